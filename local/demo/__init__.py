"""`make demo`: one task of every operation, watched from the request to the stored result."""
