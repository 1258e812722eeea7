"""``python -m sandbox``: the command."""

from sandbox.cli import main

main()
