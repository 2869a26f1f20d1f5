"""Text files that users write: strict TOML, with the line of every key, and the library that names are found in."""

from __future__ import annotations

import difflib
import re
import tomllib
import typing
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from nmrqb.errors import InputError, Problem
from nmrqb.toml_lines import MAX_DEPTH, Key, NestingError, check_keys, line_numbers

#: Larger files are refused before they are parsed.
MAX_BYTES = 1_000_000
#: Of more problems than this in one file only the first ones are told.
MAX_PROBLEMS = 100
#: Of more names than these only the first ones are offered.
MAX_NAMES = 60

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
    """("steps", 2, "delay") as steps[2].delay; what is no bare key of TOML stands in quotes."""
    text = ""
    for part in key:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        text += ("." if text else "") + (part if re.fullmatch(r"[A-Za-z0-9_-]{1,60}", part) else brief(part))
    return text


def brief(value: Any) -> str:
    """A value as messages show it: on one line, and not for long."""
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant: one in other case, in another order ("H1" for "1H"), or spelt much alike."""
    names = {name.lower(): name for name in sorted(known)}
    lower = word.lower()[:100]
    if lower in names:
        return names[lower]
    for name in names:
        if sorted(name) == sorted(lower):
            return names[name]
    close = difflib.get_close_matches(lower, names, n=1, cutoff=0.6)
    return names[close[0]] if close else None


def nearest(word: str, known: Iterable[str]) -> str:
    """A sentence that offers the closest known name, or all of them."""
    names = sorted(known)
    close = closest(word, names)
    if not names:
        return "none is allowed here"
    if close:
        return f"did you mean {brief(close)}?"
    shown = [name if name.isprintable() and len(name) <= 60 else brief(name) for name in names[:MAX_NAMES]]
    return f"allowed: {', '.join(shown)}" + (f" and {len(names) - MAX_NAMES} more" if names[MAX_NAMES:] else "")


def load_document(path: Path, name: str | None = None) -> Document:
    """Read a TOML file. Raises InputError with file and line when it cannot be read or is not TOML."""
    shown = name or str(path)
    return document(_read(path, shown), shown)


def document(text: str, shown: str) -> Document:
    """Text as TOML; `shown` is how its file is called. Raises InputError with that name and the line when it is not TOML."""
    try:
        check_keys(text)
        data = tomllib.loads(text)
        return Document(shown, data, line_numbers(text), text)
    except tomllib.TOMLDecodeError as error:
        problem = _syntax_problem(str(error), text)
    except (NestingError, RecursionError) as error:
        problem = Problem(
            f"the file is nested more than {MAX_DEPTH} levels deep",
            line=getattr(error, "line", None),
            allowed="plain tables, arrays, text and numbers are enough here",
        )
    except ValueError:  # an integer of thousands of digits
        problem = Problem("the file holds a number that is too long to read", allowed="numbers have at most 20 digits")
    raise InputError((Problem(problem.message, file=shown, line=problem.line, allowed=problem.allowed),))


def _read(path: Path, shown: str) -> str:
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            allowed = "a sample, sequence or experiment has at most 1 MB"
            raise InputError((Problem("the file is larger than 1 MB", file=shown, allowed=allowed),))
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        allowed = "a TOML file is text in UTF-8"
        raise InputError((Problem("the file is not UTF-8 text", file=shown, line=line, allowed=allowed),)) from None
    except OSError as error:
        cause = (error.strerror or str(error)).lower()
        raise InputError((Problem(f"the file cannot be read ({cause})", file=shown),)) from None


#: What to do about the parser's complaints that newcomers meet, by words of theirs.
_SYNTAX_ADVICE = {
    "illegal character '\\n'": "a text ends with its quote on the line on which it began",
    "illegal character": "a text holds no control characters",
    "invalid value": 'text stands in quotes, such as "2.5 ms"; numbers, true and false stand without',
    "unclosed inline table": "{ ... } stands on one line, with commas between its keys",
    "key part": "{ ... } stands on one line, with no comma before the closing }",
    "after a key": "a line reads: key = value",
    "unclosed array": "[ ... ] needs commas between its entries",
    "overwrite": "each key is written once",
    "duplicate": "each key is written once",
    "twice": "each table is written once",
    "unescaped": "a backslash in quotes is written twice",
}


def _syntax_problem(complaint: str, text: str) -> Problem:
    where = re.search(r"\(at line (\d+), column (\d+)\)", complaint)
    lines = text.splitlines()
    line = int(where.group(1)) if where else max(len(lines), 1)
    cause = re.sub(r" \(at .*\)$", "", complaint)
    cause = cause[:1].lower() + cause[1:]
    advice = next((text for words, text in _SYNTAX_ADVICE.items() if words in cause), "")
    if set("“”„‘’«»") & set("".join(lines[line - 1 : line])):
        advice = "quotes are straight: \"...\" or '...'"
    return Problem(f"not TOML: {cause}", line=line, allowed=advice)


def find(kind: str, name: str | Path, folders: Iterable[Path]) -> Path:
    """The file of a library name such as "charge", or the path itself. Raises InputError naming the closest name.

    `kind` is "sample", "sequence" or "experiment"; a name ending in .toml or holding a separator is a path, and so is
    every name where no folders are given.
    """
    text, folders = str(name), tuple(folders)
    if not folders or text.endswith(".toml") or "/" in text or "\\" in text:
        return _existing(kind, text)
    known = {p.stem: p for folder in folders for p in sorted(folder.glob("*.toml"))}
    if text not in known:
        raise InputError((Problem(f"no {kind} is called {text!r}", allowed=nearest(text, known)),))
    return known[text]


def _existing(kind: str, text: str) -> Path:
    path, message = Path(text), f"no such {kind} file"
    beside: list[str] = []
    try:
        if path.is_file():
            return path
        if path.is_dir():
            message = "this is a folder, not a file"
        elif path.parent.is_dir():
            beside = [p.name for p in path.parent.glob("*.toml")]
    except OSError as error:  # a name too long for any file, a folder that may not be entered
        message = f"the file cannot be read ({(error.strerror or str(error)).lower()})"
    close = closest(path.name, beside)
    allowed = (
        f"did you mean {close!r}?"
        if close
        else f"a path leads to the TOML file of {'an' if kind[0] in 'aeiou' else 'a'} {kind}"
    )
    raise InputError((Problem(message, file=text if len(text) < 300 else f"{text[:300]}...", allowed=allowed),))


def library(kind: str) -> tuple[Path, ...]:
    """Folders in which `kind`s ("samples", "sequences", "experiments", "sweeps") are found: the installed ones, else the checkout's."""
    package = Path(__file__).parent
    installed = package / "library" / kind
    return (installed if installed.is_dir() else package.parent / kind,)


def validate(model: type[Model], document: Document) -> Model:
    """The document as a pydantic model. Raises InputError with one Problem for each thing that is wrong."""
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        problems = _problems(document, model, error.errors())
        raise InputError(tuple(sorted(problems, key=lambda problem: problem.line or 0))) from None


def _problems(document: Document, model: type[BaseModel], items: Sequence[ErrorDetails]) -> Iterator[Problem]:
    meant: set[Key] = set()  # missing keys that stand there under another name
    for item in items[:MAX_PROBLEMS]:
        if item["type"] == "extra_forbidden":
            key, allowed = _key(document, item), list(_keys_at(model, item["loc"][:-1]))
            word = str(key[-1])
            meant.add((*key[:-1], closest(word, allowed) or ""))
            yield document.problem(key, f"unknown key {brief(word)}", nearest(word, allowed))
    for item in items[:MAX_PROBLEMS]:
        key = _key(document, item)
        if item["type"] == "missing" and key not in meant:
            yield document.problem(key[:-1], f"key {str(key[-1])!r} is missing")
        elif item["type"] == "value_error":
            yield document.problem(key, str(item["ctx"]["error"]))
        elif item["type"] not in ("missing", "extra_forbidden"):
            yield document.problem(key, f"found {brief(item['input'])}", _allowed(item))
    if len(items) > MAX_PROBLEMS:
        yield Problem(f"{len(items) - MAX_PROBLEMS} more problems of this kind", file=document.name)


def _key(document: Document, item: ErrorDetails) -> Key:
    """The key that pydantic complains of, without the names of union members that it puts on the way."""
    node: Any = document.data
    key: Key = ()
    for part in item["loc"]:
        if (isinstance(node, dict) and part in node) or (
            isinstance(node, list) and isinstance(part, int) and part < len(node)
        ):
            node, key = node[part], (*key, part)  # type: ignore[index]
    return (*key, item["loc"][-1]) if item["type"] == "missing" else key


_ALLOWED = {
    "string_type": 'it must be text in quotes, with its unit where it has one (for example "2.5 ms")',
    "bool_type": "it must be true or false",
    "list_type": "it must be an array [...]",
    "dict_type": "it must be a table of keys and values",
    "model_type": "it must be a table of keys and values",
    "int_type": "it must be a whole number without quotes",
    "int_from_float": "it must be a whole number",
    "float_type": "it must be a number without quotes",
    "finite_number": "it must be a finite number",
    "too_short": "at least {min_length} needed",
    "too_long": "at most {max_length} allowed",
    "string_too_long": "at most {max_length} characters allowed",
    "greater_than": "it must be above {gt:g}",
    "greater_than_equal": "it must be {ge:g} or more",
    "less_than": "it must be below {lt:g}",
    "less_than_equal": "it must be at most {le:g}",
    "literal_error": "it must be {expected}",
}


def _allowed(item: ErrorDetails) -> str:
    if item["type"] == "list_type" and isinstance(item["input"], dict):
        return f"it must be an array, so its header is [[{item['loc'][-1]}]]"
    template = _ALLOWED.get(item["type"])
    if template is None:
        return item["msg"][:1].lower() + item["msg"][1:]
    return template.format_map(item.get("ctx", {}))


def _keys_at(annotation: Any, path: tuple[int | str, ...]) -> Iterator[str]:
    """Keys of the tables that a path of pydantic's leads to; members of a union stand in it as "<Name>"."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        path = path[1:] if path[:1] == (f"<{annotation.__name__}>",) else path
        for name, info in annotation.model_fields.items():
            key = info.alias or name
            if not path:
                yield key
            elif key == path[0]:
                yield from _keys_at(info.annotation, path[1:])
        return
    inside = path[1:] if typing.get_origin(annotation) in (list, dict) else path
    for argument in typing.get_args(annotation):
        yield from _keys_at(argument, inside)
