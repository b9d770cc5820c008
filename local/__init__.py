"""The embedded run: the built template on an emulator, the provider simulator and the demo. Never imported by the product."""
