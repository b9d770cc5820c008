"""Settings, errors and randomness, used by all other packages of the simulator."""
