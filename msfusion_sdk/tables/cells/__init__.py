"""What a cell may hold: placeholders, numbers, spreadsheet damage, Arrow's types."""
