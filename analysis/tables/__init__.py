"""The tables of one export wherever they lie: in several SQLite files, and one of them as HDF5."""
