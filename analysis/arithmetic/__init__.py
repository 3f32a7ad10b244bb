"""Spans, groups, nesting, statistics: pure numpy that knows no trace."""
