"""What a path stands for: the files of a slide, their stamp, and what a disk's error means."""
