"""The weekly job as plain functions: load, check, clean, train, evaluate, release."""
