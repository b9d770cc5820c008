"""The embedded run: the built template in an AWS emulator, the provider's simulator, the demo. The product never imports it."""
