"""Table files of every kind as cells of text, each with the place it stands at."""
