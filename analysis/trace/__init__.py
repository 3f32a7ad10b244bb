"""From a file to a trace, with what is wrong with it; and copies to share."""
