"""Where the time went, for any trace."""
