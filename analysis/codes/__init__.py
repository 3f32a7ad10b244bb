"""The closed list of what to know before believing a number."""
