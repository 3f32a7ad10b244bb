"""What a run needs, tried for real."""
