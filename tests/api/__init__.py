"""The HTTP API against its own document: schemathesis on the embedded stack."""
