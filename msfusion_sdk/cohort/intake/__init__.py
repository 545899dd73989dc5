"""Tables come in: checked together, joined strictly, written."""
