"""A recorded program of anyone: what `flopprof profile` leaves in a folder, read again."""
