"""What an evaluation gives, as tables and as text."""
