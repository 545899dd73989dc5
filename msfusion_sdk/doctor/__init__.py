"""Look at an installation and a folder, and say what is wrong and what mends it."""
