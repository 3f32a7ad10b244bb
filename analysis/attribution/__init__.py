"""To which range device work belongs."""
