"""Any program of a user's under Nsight Systems."""
