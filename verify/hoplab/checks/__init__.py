"""The checks of a launch. Each module reads one kind of source and judges what it read in pure functions."""
