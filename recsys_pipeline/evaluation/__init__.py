"""Ranking metrics per user, intervals, comparisons, the verdict, and their figures."""
