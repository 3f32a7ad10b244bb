"""Steps of a run held against one another: which with which, and what is said of that first."""
