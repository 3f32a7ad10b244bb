"""Lists of kept runs, their history, stored ceilings."""
