"""The web: the API, what guards it, and the page. Nothing is imported here: servers start fast."""
