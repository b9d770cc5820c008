"""The commands of `relay`: one module per command or group of commands."""
