"""The AWS emulator of the embedded run: its process, and the deployment of the built template into it."""
