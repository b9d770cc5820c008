"""Generators of documents: docs/cli.md, docs/openapi.json and the recording in the README."""
