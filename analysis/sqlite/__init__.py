"""Reading columns of an SQLite file in bulk; knows nothing of Nsight Systems."""
