"""Pictures of slides: overlay, outlines, contact sheet."""
