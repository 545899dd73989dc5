"""The whole way on synthetic slides and tables."""
