"""What is given away: a trace scrubbed, a run in one file; and imported with every doubt."""
