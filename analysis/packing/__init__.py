"""Files that are packed, and the private folders they are unpacked into."""
