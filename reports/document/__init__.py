"""A report before any format: sentences, tables, numbers, names."""
