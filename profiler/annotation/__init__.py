"""Ranges with FLOPs and bytes in a user's program; imports nothing heavy."""
