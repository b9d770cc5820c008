"""Replicate: predictions of any model."""
