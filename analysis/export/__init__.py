"""One Nsight Systems export, table by table, raw."""
