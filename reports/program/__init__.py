"""What the report of a recorded program says: its trace, and where its Python was."""
