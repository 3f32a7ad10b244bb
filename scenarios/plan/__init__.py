"""From a scenario to steps, their FLOPs and bytes."""
