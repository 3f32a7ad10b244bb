"""Results against float64."""
