"""Documents over many traces: the ranks of a job, and sweeps of independent traces."""
