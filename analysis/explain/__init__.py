"""Why equal work takes unequal time: factors whose product is the ratio, and causes with their evidence."""
