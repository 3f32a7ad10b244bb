"""What a GPU can do: its limits for a launch, and the peaks of its data sheet."""
