"""Late fusion: tables of several modalities in, a risk or class probabilities out."""
