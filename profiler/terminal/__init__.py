"""What stands between every command and a terminal: streams, errors in one line, progress, many workers."""
