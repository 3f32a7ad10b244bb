"""Two ways to scale the rows of a matrix; they work on arrays of any library that broadcasts."""


def broadcast(a, x):
    """One pass: every element is read, multiplied and written once."""
    return a * x


def expanded(a, x):
    """The same FLOPs with a detour: x is first written out to a's shape."""
    return a * (x + 0 * a)


def reference(a, x):
    """What both must give; called with float64 NumPy arrays."""
    return a * x
