"""What encoding a slide gives: the vector, its patches, and where both are from."""
