"""Small types and rules that all of the pack stands on. Imports nothing else of it."""
