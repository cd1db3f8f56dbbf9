"""How the database came to be as `storage/tables.py` says, step by step."""
