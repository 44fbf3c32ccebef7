"""Hoplab's verification pack: launches an instance and shows, from the running system, what became of it."""

__version__ = "0.2.0"
