"""Traces of torch.profiler (Kineto's JSON), written as an export that the readers of Nsight Systems know."""
