"""Tools for running the gateway on one machine: never part of the product, never imported by it."""
