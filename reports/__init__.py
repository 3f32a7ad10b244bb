"""How it is shown: one document, rendered as terminal text, Markdown, JSON and CSV; charts."""
