"""What is run: scenario files, their strict schema, the operations and the plan."""
