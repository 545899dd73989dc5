"""Features that other programs made: their layouts, and which files belong to which slide."""
