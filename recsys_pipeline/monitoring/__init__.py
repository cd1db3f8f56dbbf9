"""Monitoring: what recommendations do online, week by week, and what changes more than chance."""
