"""What this machine is: hardware, versions, free disk."""
