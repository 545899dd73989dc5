"""Where the tissue is and which patches are kept."""
