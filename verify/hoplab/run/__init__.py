"""A run's directory: what is kept of a launch, written and read."""
