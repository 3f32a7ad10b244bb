"""What ran when: a trace as lanes, for pictures and for viewers of other makers."""
