"""docs/openapi.json: the HTTP API in OpenAPI 3.1, made of the request models, the tables of operations and the fixtures."""
