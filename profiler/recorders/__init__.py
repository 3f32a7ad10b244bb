"""What records a run: starting it, watching it, ending it, and the folders it needs."""
