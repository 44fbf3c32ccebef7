"""A cloud as its description has it: nodes, services, the places of actors; how they are reached."""
