"""What a process records of itself; knows no other room, as it is also loaded alone into programs."""
