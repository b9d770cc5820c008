"""The HTTP server: result files, the admin endpoints, and a client of the admin endpoints."""
