"""What the chapters of the page say."""
