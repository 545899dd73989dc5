"""Clinical tables: columns read as numbers, stages or levels, and encoded inside the fold."""
