"""Changes to the template that work around differences between the emulator and AWS."""
