"""Thousands of wounded sequence and sample files: each is accepted, or refused in sentences, soon and in little memory."""

import random
from pathlib import Path

import pytest
from fuzz_harness import SAMPLES, SEQUENCES, fate, fresh_peak, natural, peak
from fuzz_mutations import mutated

#: CPU seconds of one file (the worst takes 0.9, on a machine that others share), MB of all of them, letters of a sentence.
SECONDS, MEGABYTES, LONGEST = 3.0, 200, 1500


def rewrite(path: Path, content: bytes) -> None:
    """New content for a file, which is not created anew each time: that would take longer than reading it."""
    with path.open("r+b" if path.exists() else "wb") as stream:
        stream.write(content)
        stream.truncate()


def fuzz(count: int, first: int, folder: Path) -> dict:
    """Makes and reads files; each has its own seed, so that one that fails can be made again."""
    seeds = [*SEQUENCES, *SAMPLES]
    pool = [path.read_bytes() for path in seeds]
    for path in SEQUENCES:
        natural(path)
    before, worst, accepted, copy = fresh_peak(), (0.0, -1), 0, folder / "file.toml"
    for number in range(first, first + count):
        rng = random.Random(number)
        seed = rng.choice(seeds)
        rewrite(copy, mutated(pool[seeds.index(seed)], rng, pool))
        try:
            outcome = fate(copy, seed)
        except Exception as error:
            raise AssertionError(f"file {number} from {seed.name}: {type(error).__name__}: {error}") from error
        assert outcome.accepted or outcome.told, number
        for sentence in outcome.told:
            assert sentence.isprintable(), (number, sentence)
            assert 10 < len(sentence) < LONGEST, (number, sentence)
        accepted += outcome.accepted
        worst = max(worst, (outcome.seconds, number))
    return {"accepted": accepted, "worst": worst, "megabytes": peak() - before}


def within_bounds(found: dict, count: int) -> None:
    assert found["worst"][0] < SECONDS, found
    assert found["megabytes"] < MEGABYTES, found
    assert 0.02 < found["accepted"] / count < 0.9, found  # neither are all wounds deadly, nor none


def test_a_slice_of_them(tmp_path):
    within_bounds(fuzz(1500, 0, tmp_path), 1500)


@pytest.mark.slow
def test_all_of_them(tmp_path):
    found = fuzz(20_000, 0, tmp_path)
    print(found)
    within_bounds(found, 20_000)
