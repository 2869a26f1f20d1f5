"""`python -m nmrqb`: the command line."""

from nmrqb.cli import main

main()
