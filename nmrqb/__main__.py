"""`python -m nmrqb`: the command line."""

from nmrqb.cli import main

try:
    main()
except SystemExit:
    # Under -m, Python dies of SIGINT if a Ctrl-C, though handled since, fell into text it was executing, as when a
    # dataclass is made. It forgets that when it runs other text, and then exits with our code.
    eval("None")  # noqa: S307
    raise
