"""The operations: what they compute, of which shapes, and functions of users."""
