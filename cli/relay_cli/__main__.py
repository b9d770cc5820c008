"""Run the command line with `python -m relay_cli`."""

from relay_cli import main

main()
