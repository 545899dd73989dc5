"""The estimators people fit: classes and survival, saved and loaded."""
