"""Half a year, simulated: the weekly job and its monitoring over a world that answers."""
