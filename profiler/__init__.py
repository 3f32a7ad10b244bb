"""How it is run: recorders, the worker, capture and the command line."""
