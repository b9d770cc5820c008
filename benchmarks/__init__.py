"""The benchmarks: each one is a script that prints the figures it measured."""
