"""What the operations of a program compute: formulas, and a mode that applies them to everything PyTorch runs."""
