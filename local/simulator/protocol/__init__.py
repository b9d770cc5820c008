"""One package for each provider: its paths, request checks and response bodies."""
