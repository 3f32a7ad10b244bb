"""NumPy, PyTorch and CuPy behind one interface."""
