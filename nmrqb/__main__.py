"""The command line: `nmrqb`, and `python -m nmrqb`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit; a Ctrl-C while it still loads ends it with one line, as any later one does."""
    try:
        from nmrqb.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("nmrqb: interrupted\n")
        raise SystemExit(1) from None
    except SystemExit:
        # Under -m, Python dies of SIGINT if a Ctrl-C, though handled since, fell into text it was executing, as when a
        # dataclass is made. It forgets that when it runs other text, and then exits with our code.
        eval("None")  # noqa: S307
        raise


if __name__ == "__main__":
    main()
