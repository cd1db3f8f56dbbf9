"""A weekly recommender pipeline: checked data, compared models, a top-N list for every user."""
