"""Open a slide file, check what its header claims, and read regions in order."""
