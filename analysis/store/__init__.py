"""Kept runs: the database over the run folders. No other room knows it."""
