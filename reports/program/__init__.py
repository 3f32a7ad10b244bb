"""What the report of a recorded program says (its trace, and where its Python was), and that of any kept folder."""
