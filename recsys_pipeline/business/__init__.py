"""Business: what a lift is worth, what it costs, and whether the goals are met."""
