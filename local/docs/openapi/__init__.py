"""Generates docs/openapi.json (OpenAPI 3.1) from the request models, the tables of operations and the fixtures."""
