"""The documented flows, as data: a directory for each journey, and the actors of all of them."""
