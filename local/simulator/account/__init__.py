"""One account at a provider: its tasks and their progress, results and callbacks. Knows no provider's protocol."""
