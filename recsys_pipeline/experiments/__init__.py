"""Experiments: who is in which arm, and what may be said of the arms at any time."""
