"""What is read on the nodes while a launch runs: an agent on each node sends it, here it is redacted and written."""
