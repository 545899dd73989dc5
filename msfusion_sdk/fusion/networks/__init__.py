"""The small neural networks of late fusion and their training."""
