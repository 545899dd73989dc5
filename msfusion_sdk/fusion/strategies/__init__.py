"""How the experts of several modalities become one prediction."""
