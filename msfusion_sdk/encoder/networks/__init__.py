"""The two networks and the fusion of their features, as torch modules and pure functions."""
