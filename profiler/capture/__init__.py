"""A run's parent side: shards, resuming, calibration."""
