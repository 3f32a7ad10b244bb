"""Two sides: what belongs together, what changed, how sure that is."""
