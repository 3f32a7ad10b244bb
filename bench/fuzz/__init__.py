"""Drawing databases and damage, and judging what is read of them against Python's own sqlite3."""
