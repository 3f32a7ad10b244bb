"""A run's folder, and its numbers."""
