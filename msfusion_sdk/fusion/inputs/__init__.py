"""From tables by modality to blocks of numbers that a strategy takes."""
