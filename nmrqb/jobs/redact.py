"""Account tokens stay out of what is written or said."""

from __future__ import annotations

import os
import re

_SECRET = re.compile(r"token|secret|password|passwd|api_?key|credential", re.IGNORECASE)
_SHORTEST = 8  # what is shorter may be a word


def redacted(text: str) -> str:
    """The text without the values of environment variables that are named like secrets, such as QISKIT_IBM_TOKEN."""
    for name, value in os.environ.items():
        if len(value) >= _SHORTEST and _SECRET.search(name):
            text = text.replace(value, "***")
    return text
