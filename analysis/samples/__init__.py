"""Samples of a whole GPU, taken at a fixed rate, in either layout of an export."""
