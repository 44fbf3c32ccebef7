"""Which events belong to a launch."""
