"""How good the image of a patch is: focus, folds, bubbles, pen and dust."""
