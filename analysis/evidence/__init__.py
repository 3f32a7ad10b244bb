"""What was measured beside time: samples of the GPU, hardware counters, the CPU's own accounts."""
