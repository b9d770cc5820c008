"""The embedded run: the built template on an emulator, the provider simulator, the demo. The product never imports it."""
