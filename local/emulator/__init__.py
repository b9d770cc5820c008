"""The AWS emulator of the embedded run: starts its process and deploys the built template into it."""
