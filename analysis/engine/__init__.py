"""Work on many traces at once: tasks over an executor, in processes of this machine or on a Dask cluster."""
