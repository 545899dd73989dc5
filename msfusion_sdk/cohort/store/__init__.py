"""Committed results of slides: parts, archives, the ledger, what they add up to."""
