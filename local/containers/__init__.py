"""Access to the embedded run from containers, for `sam local`."""
