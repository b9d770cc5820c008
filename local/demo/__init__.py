"""`make demo`: runs eight tasks and follows each one from the request to the stored result."""
