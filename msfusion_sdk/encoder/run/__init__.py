"""From an open slide to a result: read, normalise, run the networks, sum up."""
