"""One file that may leave: vectors, tables, pseudonyms."""
