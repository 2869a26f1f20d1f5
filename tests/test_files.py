"""Reading TOML: the line of every key, names that are close, and texts made to hurt."""

import random
import re
import time
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wounds import LIBRARY, mutated

from nmrqb import files
from nmrqb.errors import InputError
from nmrqb.files import closest, dotted, find, load_document, nearest
from nmrqb.toml_lines import MAX_DEPTH, NestingError, check_keys, line_numbers

# --- TOML of every kind, written together with the line of each key -----------------------------------------------------

PLAIN = st.sampled_from(["1", "-2.5e3", "true", "nan", "1979-05-27 07:32:00Z", "0x1F", "07:32:00", "+inf", "1_000"])
INSIDE = st.text(st.sampled_from("a #=[]{},.'\"é°"), max_size=8)


def basic(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


STRINGS = st.one_of(
    INSIDE.map(basic),
    INSIDE.map(lambda text: "'" + text.replace("'", "") + "'"),
    INSIDE.map(lambda text: '"""' + text.replace('"', '"\\"') + '\nmore = 1\n[no.table]\\\n  """""'),
    INSIDE.map(lambda text: "'''\n# no comment\n" + text.replace("'", "") + "'''''"),
)
GAPS = st.sampled_from(["", " ", "\t", "  "])
BREAKS = st.sampled_from(["", " ", "\n", "\r\n  ", " # note, with ] and }\n", "\n\n\t"])


class Writer:
    """A TOML text as it grows, and the line on which each of its keys stands."""

    def __init__(self, draw):
        self.draw, self.text, self.lines, self.named = draw, "", {}, 0

    def put(self, text):
        self.text += text

    def note(self, key):
        line = self.text.count("\n") + 1
        for length in range(1, len(key)):
            self.lines.setdefault(key[:length], line)
        self.lines[key] = line

    def key(self):
        """A fresh key: (as it is written, what it means)."""
        self.named += 1
        kind = self.draw(st.sampled_from(["bare", "bare", "basic", "literal", "escaped"]))
        if kind == "bare":
            name = self.draw(st.sampled_from(["k", "1", "-", "_x", "true"])) + str(self.named)
            return name, name
        name = self.draw(INSIDE).replace("'", "").replace('"', "") + str(self.named)
        if kind == "escaped":
            return f'"\\u0022\\\\{name}"', f'"\\{name}'
        return (basic(name) if kind == "basic" else f"'{name}'"), name

    def path(self, most=3):
        parts = [self.key() for _ in range(self.draw(st.integers(1, most)))]
        dot = self.draw(GAPS) + "." + self.draw(GAPS)
        return dot.join(written for written, _ in parts), tuple(name for _, name in parts)

    def pair(self, prefix, depth):
        written, key = self.path(most=2)
        key = (*prefix, *key)
        self.put(written + self.draw(GAPS) + "=" + self.draw(GAPS))
        self.value(key, depth)

    def value(self, key, depth):
        self.note(key)
        kind = self.draw(st.sampled_from(["plain", "string", "array", "table"] if depth else ["plain", "string"]))
        if kind == "array":
            self.array(key, depth)
        elif kind == "table":
            self.put("{")
            for k in range(self.draw(st.integers(0, 3))):
                self.put(("," if k else "") + self.draw(GAPS))
                self.pair(key, depth - 1)
                self.put(self.draw(GAPS))
            self.put("}")
        else:
            self.put(self.draw(PLAIN if kind == "plain" else STRINGS))

    def array(self, key, depth):
        entries = self.draw(st.integers(0, 3))
        self.put("[" + self.draw(BREAKS))
        for k in range(entries):
            self.value((*key, k), depth - 1)
            self.put(self.draw(BREAKS) + ("," if k < entries - 1 else self.draw(st.sampled_from(["", ","]))))
            self.put(self.draw(BREAKS))
        self.put("]")

    def rest(self):
        self.put(self.draw(st.sampled_from(["\n", "\r\n", " # note\n", "\n\n# [a]\n"])))

    def pairs(self, prefix):
        for _ in range(self.draw(st.integers(0, 3))):
            self.pair(prefix, depth=2)
            self.rest()

    def table(self, parents):
        """A table, or one or more of an array of tables, below one of the given parents; returns where others may be put."""
        above, written_above = self.draw(st.sampled_from(parents))
        written, key = self.path(most=2)
        written = f"{written_above}.{written}" if written_above else written
        path = (*above, *key)
        many = self.draw(st.integers(0, 2))
        for index in range(many):
            self.put(f"[[ {written} ]]")
            self.note((*path, index))
            self.rest()
            self.pairs((*path, index))
        if not many:
            self.put(f"[{written}]")
            self.note(path)
            self.rest()
            self.pairs(path)
        return ((*path, many - 1), written) if many else (path, written)


@st.composite
def documents(draw):
    writer = Writer(draw)
    writer.put(draw(st.sampled_from(["", "# first\n", "\n\r\n"])))
    writer.pairs(())
    parents = [((), "")]
    for _ in range(draw(st.integers(0, 4))):
        parents.append(writer.table(parents))
    return writer.text, writer.lines


def paths(data, prefix=()):
    """Every key and entry of parsed TOML."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield (*prefix, key)
        yield from paths(value, (*prefix, key))


@settings(max_examples=150)
@given(documents())
def test_every_key_has_its_line(document):
    text, lines = document
    assert set(paths(tomllib.loads(text))) == set(lines)  # the writer is right about its keys
    assert line_numbers(text) == lines


def test_the_lines_of_a_text_written_by_hand():
    text = '\n"a b".c = 1 # x\n[[t]]\nk = """\nq = 2\n"""\n[t.u]\nv = [\n  1,\n  { w = 2, x.y = "]" },\n]\n[[t]]\n[z.y]\n[z]\n'
    assert line_numbers(text) == {
        ("a b",): 2, ("a b", "c"): 2, ("t",): 3, ("t", 0): 3, ("t", 0, "k"): 4, ("t", 0, "u"): 7, ("t", 0, "u", "v"): 8,
        ("t", 0, "u", "v", 0): 9, ("t", 0, "u", "v", 1): 10, ("t", 0, "u", "v", 1, "w"): 10, ("t", 0, "u", "v", 1, "x"): 10,
        ("t", 0, "u", "v", 1, "x", "y"): 10, ("t", 1): 12, ("z",): 14, ("z", "y"): 13,
    }  # fmt: skip


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.stem)
def test_wounded_texts_that_are_still_toml_have_all_their_lines(path):
    """Thousands of copies: nothing that the parser takes may stop the line finder, and no key may be without a line."""
    text, rng, read = path.read_text(), random.Random(path.name), 0
    for _ in range(max(200, 4000 // len(LIBRARY))):
        copy = mutated(text, rng)
        try:
            data = tomllib.loads(copy)
        except tomllib.TOMLDecodeError:
            continue
        found = line_numbers(copy)
        assert set(found) == set(paths(data))
        assert max(found.values(), default=0) <= copy.count("\n") + 1
        read += 1
    assert read > 30


@settings(max_examples=300)
@given(st.text(st.sampled_from("a1.=[]{}\"'#,\n\\ -"), max_size=40))
def test_short_texts_of_brackets_and_quotes(text):
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert set(line_numbers(text)) == set(paths(data))


def test_depth_is_limited_on_both_sides():
    assert line_numbers("a = " + "[" * (MAX_DEPTH - 1) + "1" + "]" * (MAX_DEPTH - 1))
    for text in (
        "a = " + "[" * MAX_DEPTH + "1" + "]" * MAX_DEPTH,
        "\n[" + "a." * MAX_DEPTH + "a]",
        "a." * MAX_DEPTH + "a = 1",
    ):
        with pytest.raises(NestingError, match=f"more than {MAX_DEPTH} levels deep at line {1 + text.count(chr(10))}"):
            line_numbers(text)


@pytest.mark.parametrize("part", ["a", "'a'", '"a"', '"\\""', '"a.b"'])
def test_long_dotted_keys_are_refused_before_they_are_parsed(part):
    check_keys(".".join([part] * 32) + " = 1")
    with pytest.raises(NestingError, match="at line 2"):
        check_keys("b = 1\n" + " . ".join([part] * 33) + " = 1")


@pytest.mark.parametrize(
    "text",
    ["a" * 999_000, "'a" * 400_000, '"' * 999_000, "a . " * 31 * 8000, "a = [" * 90_000, "[[a]]\n" * 90_000, "# " + "x." * 400_000,
     'a = """' + '\\"' * 400_000 + '"""', 'a = "' + '\\"' * 400_000 + '\n', '\\"' * 400_000, "".join(f"k{i} = [1, 2]\n" for i in range(50_000)), "a = [" + "\n{ b = 1 }," * 60_000 + "]"],
    ids=range(12),
)  # fmt: skip
def test_large_texts_are_read_or_refused_in_reasonable_time(text, tmp_path):
    path = tmp_path / "large.toml"
    path.write_text(text)
    began = time.process_time()
    try:
        document = load_document(path)
    except InputError as refused:
        document, problems = None, refused.problems
    assert time.process_time() - began < 8
    assert len(problems) == 1 if document is None else len(document.lines) == sum(1 for _ in paths(document.data))


# --- documents, names, messages -----------------------------------------------------------------------------------------


def test_a_key_without_a_line_of_its_own_has_that_of_what_encloses_it(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text('title = "x"\n\n[a]\nb = [1,\n  2]\n')
    document = load_document(path, "as given")
    assert [document.line(key) for key in (("a", "b", 1), ("a", "c"), ("a", "b", 7, "d"), ("z",), ())] == [
        5,
        3,
        4,
        None,
        None,
    ]
    assert str(document.problem(("a", "b", 1), "wrong", "right")) == "as given, line 5: a.b[1]: wrong; right"


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (("steps", 2, "delay"), "steps[2].delay"),
        ((0, "a"), "[0].a"),
        (("a b", "c"), "'a b'.c"),
        (("a", "b\n\x1b"), "a.'b\\n\\x1b'"),
        (("k" * 60,), "k" * 60),
        (("k" * 61,), "'" + "k" * 56 + "..."),
    ],
)
def test_keys_are_shown_on_one_line(key, text):
    assert dotted(key) == text


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("tua", ["tau", "charge"], "tau"),
        ("H1", ["1H", "13C"], "1H"),
        ("C13", ["1H", "13C"], "13C"),
        ("khz", ["Hz", "kHz"], "kHz"),
        ("RF", ["rf", "readout"], "rf"),
        ("t1", ["T1", "T1D"], "T1"),
        ("zz", ["tau", "charge"], None),
        ("", ["tau"], None),
        ("x" * 100_000, ["tau"], None),
    ],
)
def test_the_closest_name(word, known, meant):
    assert closest(word, known) == meant
    assert nearest(word, known) == (f"did you mean {meant!r}?" if meant else f"allowed: {', '.join(sorted(known))}")
    assert nearest(word, [*known, "a\nb" * 10]).count("\n") == 0
    assert nearest(word, []) == "none is allowed here"


def test_names_and_paths_are_found(tmp_path):
    (tmp_path / "one.toml").write_text("")
    assert find("sample", "one", [tmp_path]) == tmp_path / "one.toml"
    assert find("sample", tmp_path / "one.toml", [tmp_path]) == tmp_path / "one.toml"
    assert find("sample", str(tmp_path / "one.toml"), []) == tmp_path / "one.toml"
    for name, says in (
        ("oen", "did you mean 'one'"),
        (tmp_path / "oen.toml", "did you mean 'one.toml'"),
        (tmp_path, "folder"),
        ("a\0/b", "no such"),
    ):
        with pytest.raises(InputError, match=re.escape(says)):
            find("sample", name, [tmp_path])


def test_every_library_holds_files():
    for kind in ("samples", "sequences", "experiments"):
        assert [path for folder in files.library(kind) for path in folder.glob("*.toml")]


def test_a_file_of_exactly_one_megabyte_is_read(tmp_path):
    path = tmp_path / "large.toml"
    path.write_bytes(b"#" * files.MAX_BYTES)
    assert load_document(path).data == {}
    path.write_bytes(b"#" * (files.MAX_BYTES + 1))
    with pytest.raises(InputError, match="larger than 1 MB"):
        load_document(path)


def test_the_text_of_a_document_is_the_file_as_it_was_given(tmp_path):
    path = tmp_path / "a.toml"
    path.write_bytes(b'title = "x"\r\n# \xc3\xa9\r\n')
    assert load_document(path).text.encode() == path.read_bytes()
