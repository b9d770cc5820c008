"""CometAPI's Kling API."""
