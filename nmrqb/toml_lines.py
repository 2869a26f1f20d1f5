"""The line on which each key of a TOML text stands, which the standard library's parser does not tell."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from collections.abc import Callable

Key = tuple[str | int, ...]

#: No file here needs more than a few levels; the standard parser slows down with the square of a dotted key's length.
MAX_DEPTH = 16

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BLANK = re.compile(r"[ \t]*")
_BLANK_LINES = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*+")
_PLAIN_VALUE = re.compile(r"[^,\]}\n#]*")
# closing quotes are optional here, so that a text without them is gone through once and not once for each quote
_STRINGS = r"""\"{3}(?:[^"\\]++|\\.|"(?!""))*+(?:"{3,5})?|'{3}(?:[^']++|'(?!''))*+(?:'{3,5})?|"(?:[^"\\\n]++|\\.)*+"?|'[^'\n]*+'?"""
_STRING = re.compile(_STRINGS, re.DOTALL)
_TOKEN = re.compile(_STRINGS + r"|#[^\n]*+|[A-Za-z0-9_-]++|[ \t]++|.", re.DOTALL)


class NestingError(ValueError):
    """A key lies deeper than MAX_DEPTH; `line` is where."""

    def __init__(self, line: int) -> None:
        super().__init__(f"nested more than {MAX_DEPTH} levels deep at line {line}")
        self.line = line


def check_keys(text: str) -> None:
    """Raises NestingError for a dotted key of more than 2 MAX_DEPTH parts, before a parser is let near it."""
    dots = 0
    for token in _TOKEN.finditer(text):
        first = token.group()[0]
        if first == ".":
            dots += 1
            if dots >= 2 * MAX_DEPTH:
                raise NestingError(text.count("\n", 0, token.start()) + 1)
        elif not (first.isalnum() or first in " \t_-\"'"):
            dots = 0


def line_numbers(text: str) -> dict[Key, int]:
    """Line (from 1) of every table, key and array entry of a text that `tomllib` accepts; entries count from 0.

    A key that several lines add to has the first of them, or that of its own header. Raises NestingError.
    """
    return _Reader(text).found


class _Reader:
    """Walks through a valid text once; what it does not need to understand it skips."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.ends = [match.start() for match in re.finditer("\n", text)]
        self.found: dict[Key, int] = {}
        self.counts: dict[Key, int] = {}  # tables so far in each array of tables
        prefix: Key = ()
        while self._next():
            if self.text.startswith("[[", self.at):
                prefix = self._header(2)
                self._note(prefix)
                index = self.counts.get(prefix, 0)
                self.counts[prefix] = index + 1
                prefix = (*prefix, index)
                self._note(prefix, own=True)
            elif self.text[self.at] == "[":
                prefix = self._header(1)
                self._note(prefix, own=True)
            else:
                self._pair(prefix)

    def _note(self, key: Key, *, own: bool = False) -> None:
        """Record the present line for a key and, where they have none yet, for the tables it lies in."""
        line = bisect_left(self.ends, self.at) + 1
        if len(key) > MAX_DEPTH:
            raise NestingError(line)
        for length in range(1, len(key)):
            self.found.setdefault(key[:length], line)
        if own:
            self.found[key] = line
        else:
            self.found.setdefault(key, line)

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        assert match is not None
        self.at = match.end()
        return match.group()

    def _next(self) -> str:
        """The next character that means something, or nothing at the end."""
        self._skip(_BLANK_LINES)
        return self.text[self.at : self.at + 1]

    def _header(self, brackets: int) -> Key:
        """A table's key, with the current index after every array of tables on the way; stops behind the header."""
        self.at += brackets
        key, path = self._key(), ()  # type: tuple[Key, Key]
        for i, part in enumerate(key):
            path = (*path, part)
            if path in self.counts and i < len(key) - 1:
                path = (*path, self.counts[path] - 1)
        self.at += brackets
        return path

    def _key(self) -> Key:
        parts: list[str] = []
        while True:
            self._skip(_BLANK)
            parts.append(self._quoted_key() if self.text[self.at] in "\"'" else self._skip(_BARE_KEY))
            self._skip(_BLANK)
            if self.text[self.at] != ".":
                return tuple(parts)
            self.at += 1

    def _quoted_key(self) -> str:
        """A key in quotes, its escapes resolved."""
        return next(iter(tomllib.loads(f"{self._skip(_STRING)} = 0")))

    def _pair(self, prefix: Key) -> None:
        key = (*prefix, *self._key())
        self.at += 1  # the equals sign
        self._value(key)

    def _value(self, key: Key) -> None:
        start = self._next()
        self._note(key, own=True)
        if start == "{":
            self._items("}", lambda _: self._pair(key))
        elif start == "[":
            self._items("]", lambda index: self._value((*key, index)))
        elif start in "\"'":
            self._skip(_STRING)
        else:
            self._skip(_PLAIN_VALUE)

    def _items(self, end: str, read: Callable[[int], None]) -> None:
        """Entries between brackets, up to and with the closing one."""
        self.at += 1
        index = 0
        while (found := self._next()) != end:
            if found == ",":
                self.at += 1
                continue
            read(index)
            index += 1
        self.at += 1
