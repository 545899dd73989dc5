"""Train the attention and the classifier over frozen networks, from maps that are computed once."""
