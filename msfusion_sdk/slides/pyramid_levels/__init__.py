"""Whether the levels of a file show one picture."""
