"""Tables of patients and slides: read strictly, ids kept as text, issues said all at once."""
