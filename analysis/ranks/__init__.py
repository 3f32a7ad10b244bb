"""Many ranks of one job: clocks, collectives, steps, and who makes the others wait."""
