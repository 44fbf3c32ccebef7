"""Raw text of a source to events: pure functions, one module per form. Lines of another form are no events."""
