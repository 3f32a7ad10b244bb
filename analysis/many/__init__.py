"""Many independent traces: what each says in short, and all in one table."""
