"""What it means: traces read into tables, attributed, broken down, and set against FLOPs."""
