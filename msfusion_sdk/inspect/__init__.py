"""Single slides: described, encoded into a folder, shown with annotations."""
