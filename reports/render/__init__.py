"""A document as text, Markdown, HTML or JSON."""
