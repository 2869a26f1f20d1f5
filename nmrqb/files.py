"""Text files that users write: strict TOML, with the line of every key, and the library that names are found in."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from nmrqb.errors import InputError, Problem

#: Larger files are refused before they are read.
MAX_BYTES = 1_000_000

Key = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Document:
    """A TOML file as data, with the line on which each key stands."""

    name: str  # what messages call it: the path as given
    data: dict[str, Any]
    lines: dict[Key, int] = field(repr=False)
    text: str = field(repr=False, default="")

    def line(self, key: Key) -> int | None:
        """Line of the key, or of the nearest enclosing one."""
        for length in range(len(key), 0, -1):
            if key[:length] in self.lines:
                return self.lines[key[:length]]
        return None

    def problem(self, key: Key, message: str, allowed: str = "") -> Problem:
        """A Problem at this key of this file."""
        return Problem(message, file=self.name, line=self.line(key), key=dotted(key), allowed=allowed)


def dotted(key: Key) -> str:
    """("steps", 2, "delay") as steps[2].delay."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else part)
    return text


def nearest(word: str, known: Iterable[str]) -> str:
    """A sentence that offers the closest known name, or all of them."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"allowed: {', '.join(names)}"


def load_document(path: Path, name: str | None = None) -> Document:
    """Read a TOML file. Raises InputError with file and line when it cannot be read or is not TOML."""
    shown = name or str(path)

    def refuse(message: str, line: int | None = None, allowed: str = "") -> InputError:
        return InputError((Problem(message, file=shown, line=line, allowed=allowed),))

    try:
        if path.stat().st_size > MAX_BYTES:
            raise refuse("the file is larger than 1 MB", allowed="a sample, sequence or experiment of at most 1 MB")
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise refuse("the file is not text", allowed="TOML in UTF-8") from None
    except OSError as error:
        raise refuse(f"cannot be read ({(error.strerror or str(error)).lower()})") from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        cause = re.sub(r" \(at .*\)$", "", str(error))
        line = int(where.group(1)) if where else len(text.splitlines())
        raise refuse(f"not TOML: {cause[:1].lower() + cause[1:]}", line=line) from None
    except (RecursionError, ValueError) as error:  # nesting beyond reason, or an integer of thousands of digits
        raise refuse(
            f"not usable TOML ({type(error).__name__})", allowed="plain tables, arrays, text and numbers"
        ) from None
    return Document(shown, data, _Lines(text).found, text)


def find(kind: str, name: str | Path, folders: Iterable[Path]) -> Path:
    """The file of a library name such as "charge", or the path itself. Raises InputError naming the closest name.

    `kind` is "sample", "sequence" or "experiment"; a name ending in .toml or holding a separator is a path.
    """
    text = str(name)
    as_path = Path(text)
    if text.endswith(".toml") or "/" in text or "\\" in text:
        if as_path.is_file():
            return as_path
        beside = [p.name for p in as_path.parent.glob("*.toml")] if as_path.parent.is_dir() else []
        hint = nearest(as_path.name, beside) if beside else f"a {kind} file or one of its library names"
        raise InputError((Problem(f"no such {kind} file", file=text, allowed=hint),))
    known = {p.stem: p for folder in folders for p in sorted(folder.glob("*.toml"))}
    if text not in known:
        raise InputError((Problem(f"no {kind} is called {text!r}", allowed=nearest(text, known)),))
    return known[text]


def library(kind: str) -> tuple[Path, ...]:
    """Folders in which `kind`s ("samples", "sequences", "experiments") are found: the installed ones, else the checkout's."""
    package = Path(__file__).parent
    installed = package / "library" / kind
    return (installed if installed.is_dir() else package.parent / kind,)


def validate(model: type[Model], document: Document) -> Model:
    """The document as a pydantic model. Raises InputError with one Problem for each thing that is wrong."""
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        raise InputError(tuple(_problem(document, model, item) for item in error.errors())) from None


_ADVICE = {
    "string_type": 'text in quotes, with its unit where it has one (for example "2.5 ms")',
    "bool_type": "true or false",
    "list_type": "an array [...]",
    "tuple_type": "an array [...]",
    "dict_type": "a table",
    "model_type": "a table",
}


def _problem(document: Document, model: type[BaseModel], item: ErrorDetails) -> Problem:
    # pydantic adds the tag of a union member to the path; only real keys have lines
    key = tuple(part for part in item["loc"] if not (isinstance(part, str) and part.startswith("<")))
    kind = item["type"]
    if kind == "extra_forbidden":
        return document.problem(
            key, f"unknown key {str(key[-1])!r}", nearest(str(key[-1]), _fields(model, item["loc"][:-1]))
        )
    if kind == "missing":
        return document.problem(key[:-1], f"key {str(key[-1])!r} is missing")
    found = _brief(item.get("input"))
    if kind in _ADVICE:
        return document.problem(key, f"found {found}", _ADVICE[kind])
    if kind == "value_error":
        return document.problem(key, str(item["ctx"]["error"]))
    return document.problem(key, f"found {found}", item["msg"][:1].lower() + item["msg"][1:])


def _fields(model: Any, path: tuple[int | str, ...]) -> list[str]:
    """Field names (aliases) of the nested model that an error path leads to."""
    import typing

    def models(annotation: Any) -> Iterable[type[BaseModel]]:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield annotation
        for argument in typing.get_args(annotation):
            yield from models(argument)

    current: list[type[BaseModel]] = [model]
    for part in path:
        if isinstance(part, int):
            continue
        if part.startswith("<"):
            current = [m for m in current if m.__name__ == part.strip("<>")]
            continue
        current = [
            m
            for c in current
            for n, f in c.model_fields.items()
            if (f.alias or n) == part
            for m in models(f.annotation)
        ]
    return [f.alias or n for m in current for n, f in m.model_fields.items()]


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


class _Lines:
    """Finds the line of every key in a TOML text that is known to be valid."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.line = text, 0, 1
        self.found: dict[Key, int] = {}
        self.counts: dict[Key, int] = {}
        prefix: Key = ()
        while self._skip(newlines=True):
            if self.text.startswith("[[", self.at):
                self._move(2)
                prefix = self._resolve(self._key())
                index = self.counts.get(prefix, 0)
                self.counts[prefix] = index + 1
                prefix = (*prefix, index)
                self.found[prefix] = self.line
                self._move(2)
            elif self.text[self.at] == "[":
                self._move(1)
                prefix = self._resolve(self._key())
                self.found.setdefault(prefix, self.line)
                self._move(1)
            else:
                self._pair(prefix)

    def _resolve(self, key: Key) -> Key:
        """Insert the current index after every array of tables on the way."""
        path: Key = ()
        for i, part in enumerate(key):
            path = (*path, part)
            if path in self.counts and i < len(key) - 1:
                path = (*path, self.counts[path] - 1)
        return path

    def _move(self, n: int) -> None:
        self.line += self.text.count("\n", self.at, self.at + n)
        self.at += n

    def _skip(self, *, newlines: bool) -> bool:
        while self.at < len(self.text):
            c = self.text[self.at]
            if c == "#":
                end = self.text.find("\n", self.at)
                self._move((end if end >= 0 else len(self.text)) - self.at)
            elif c in " \t\r" or (newlines and c == "\n"):
                self._move(1)
            else:
                return True
        return False

    def _key(self) -> Key:
        parts: list[str] = []
        while True:
            self._skip(newlines=False)
            if self.text[self.at] in "\"'":
                parts.append(self._string())
            else:
                match = re.compile(r"[A-Za-z0-9_-]+").match(self.text, self.at)
                assert match
                parts.append(match.group())
                self._move(len(match.group()))
            self._skip(newlines=False)
            if self.at >= len(self.text) or self.text[self.at] != ".":
                return tuple(parts)
            self._move(1)

    def _string(self) -> str:
        quote = self.text[self.at]
        mark = quote * 3 if self.text.startswith(quote * 3, self.at) else quote
        start = end = self.at + len(mark)
        while not self.text.startswith(mark, end):
            end += 2 if quote == '"' and self.text[end] == "\\" else 1
        while len(mark) == 3 and self.text.startswith(mark, end + 1):  # quotes that belong to the text
            end += 1
        body = self.text[start:end]
        self._move(end + len(mark) - self.at)
        return body

    def _pair(self, prefix: Key) -> None:
        line = self.line
        key = (*prefix, *self._key())
        for length in range(len(prefix) + 1, len(key)):
            self.found.setdefault(key[:length], line)
        self._move(1)  # the equals sign
        self._value(key)

    def _value(self, key: Key) -> None:
        self._skip(newlines=True)
        self.found[key] = self.line
        c = self.text[self.at]
        if c == "{":
            self._move(1)
            self._items("}", lambda _: self._pair(key))
        elif c == "[":
            self._move(1)
            self._items("]", lambda index: self._value((*key, index)))
        elif c in "\"'":
            self._string()
        else:
            match = re.compile(r"[^,\]}\n#]*").match(self.text, self.at)
            assert match
            self._move(len(match.group()))

    def _items(self, end: str, read: Any) -> None:
        index = 0
        while self._skip(newlines=True) and self.text[self.at] != end:
            if self.text[self.at] == ",":
                self._move(1)
                continue
            read(index)
            index += 1
        self._move(1)
