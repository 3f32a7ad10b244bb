"""What the documents that other programs read look like, as JSON Schema: derived from the code, shipped as files."""
