"""The ports in memory: plain classes without I/O, held to the same contracts as the adapters on AWS."""
