"""What a scenario file may say: source with its lines, schema, overrides, formulas."""
