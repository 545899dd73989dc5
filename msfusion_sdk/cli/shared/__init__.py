"""What several commands parse and print alike."""
