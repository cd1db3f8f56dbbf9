"""Dataset: the cleaned tables as arrays; ids, time splits, and what is derived from history."""
