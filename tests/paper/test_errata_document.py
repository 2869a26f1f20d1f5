"""How verdicts follow from numbers, the whole table, and the document made from it."""

import re
import time
from pathlib import Path

import numpy as np
import pytest

from nmrqb import Battery
from nmrqb.paper import errata
from nmrqb.paper.claims import EXACT, Entry, Part, claim, equation, falling, hamiltonian_from_operators, rising, show

DOCUMENT = Path(__file__).parents[2] / "docs" / "errata.md"


@pytest.mark.parametrize(
    ("printed", "corrected", "verdict"),
    [
        (0.0, None, "correct"),
        (EXACT, 0.0, "correct"),
        (2 * EXACT, EXACT, "wrong"),
        (2 * EXACT, 2 * EXACT, "unresolved"),
        (1.0, None, "unresolved"),
        (np.nan, np.nan, "unresolved"),
    ],
)
def test_verdict_on_a_formula_follows_from_its_deviation(printed, corrected, verdict):
    assert equation("s", "i", "c", printed, corrected).verdict == verdict


@pytest.mark.parametrize(
    ("held", "verdict"), [((True, True), "true"), ((False, False), "false"), ((True, False), "partly true")]
)
def test_verdict_on_a_claim_follows_from_its_parts(held, verdict):
    assert claim("s", "i", "c", [("part", h) for h in held], "").verdict == verdict


def test_rising_and_falling_need_every_step():
    assert rising([1, 2, 3])
    assert not rising([1, 2, 2])
    assert not rising([1, 3, 2])
    assert falling([3, 2, 1])
    assert not falling([3, 1, 2])
    assert show([1.23456, 1e-9], 3) == "1.23 1e-09"


def test_eq_4_from_its_operators():
    battery = Battery(axial=[3.0, -1.0], rhombic=5, dm=7, ksea=11, zeeman=13)
    assert np.allclose(hamiltonian_from_operators(battery), battery.hamiltonian(), rtol=0, atol=1e-14)


def test_a_wrong_formula_would_be_caught(monkeypatch):
    """Spoil one closed form by 1e-6 of itself: its entry must lose its verdict."""
    from nmrqb.paper import claims_model

    right = claims_model.closed_forms.gibbs_eigenvalues_odd
    spoilt = lambda battery, T: tuple(1.000001 * value for value in right(battery, T))  # noqa: E731
    monkeypatch.setattr(claims_model.closed_forms, "gibbs_eigenvalues_odd", spoilt)
    verdicts = {entry.item: entry.verdict for entry in claims_model.entries()}
    assert verdicts["(13)"] == "unresolved"
    assert verdicts["(8)"] == "correct"


@pytest.fixture(scope="module")
def computed():
    seen = []
    started = time.process_time()
    entries = errata.errata(lambda done, total, title: seen.append((done, total, title)))
    return entries, seen, time.process_time() - started


@pytest.mark.slow
def test_the_whole_table(computed):
    entries, seen, seconds = computed
    assert all(isinstance(entry, Entry) for entry in entries)
    assert "unresolved" not in {entry.verdict for entry in entries}
    assert len({(entry.section, entry.item) for entry in entries}) == len(entries)
    assert [done for done, _, _ in seen] == list(range(len(errata.PARTS) + 1))
    assert {total for _, total, _ in seen} == {len(errata.PARTS)}
    assert seconds < 60  # about 6 on an idle core
    for entry in entries:
        assert entry.claim
        assert entry.numbers
        assert entry.section


@pytest.mark.slow
def test_the_document_is_what_the_package_computes(computed):
    """Verdicts, claims and parts of docs/errata.md; numbers may differ in their last digits between machines."""

    def rows(text):
        body = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| Item")]
        return [re.split(r"(?<!\\)\|", line)[1:4] for line in body]

    fresh = errata.to_markdown(computed[0])
    assert rows(DOCUMENT.read_text(encoding="utf-8")) == rows(fresh), (
        "run python -m nmrqb.paper.errata > docs/errata.md"
    )
    assert len(rows(fresh)) == len(computed[0])


def test_markdown_survives_kets_and_bars():
    entry = Entry("S", "|D|", "<00|H|00> * 2", "true", "1 < 2", parts=(Part("|0>", True),))
    row = errata.to_markdown([entry]).splitlines()[-1]
    cells = re.split(r"(?<!\\)\|", row)
    assert len(cells) == 7
    assert cells[3].strip() == r"**true**<br>yes: \|0&gt;"
    assert "&lt;00\\|H\\|00&gt; \\* 2" in row


def test_entries_are_lazy():
    iterator = errata.iterate()
    assert next(iterator).item == "(1)-(3)"
    iterator.close()


def test_values_are_read_only():
    entry = equation("s", "i", "c", 0.0)
    with pytest.raises(TypeError, match="item assignment"):
        entry.values["printed"] = 1.0
