"""JSON and CSV: the contracts that other programs read."""
