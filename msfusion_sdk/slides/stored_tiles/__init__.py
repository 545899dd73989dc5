"""The fast path: stored JPEG tiles decoded directly, checked against OpenSlide."""
