"""Profiles: where a cloud's evidence is, and in which form."""
