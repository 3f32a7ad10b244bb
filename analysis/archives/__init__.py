"""Runs in one file: exported for others, and imported with every doubt."""
