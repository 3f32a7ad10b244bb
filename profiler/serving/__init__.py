"""Runs and traces for agents: read-only tools over one folder, with bounded answers (Model Context Protocol)."""
