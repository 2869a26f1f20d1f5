"""What becomes of one file: read, scheduled, held against the limits of the hardware; and what that took."""

import signal
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nmrqb
from nmrqb.errors import InputError
from nmrqb.files import load_document
from nmrqb.timeline.limits import hardware_findings

ROOT = Path(__file__).parents[2]
SEEDS = Path(__file__).parent / "seeds"
SEQUENCES = sorted([*(ROOT / "sequences").glob("*.toml"), SEEDS / "everything.toml"])
SAMPLES = sorted([*(ROOT / "samples").glob("*.toml"), *SEEDS.glob("*-sample.toml")])
#: A file that takes this long hangs (s).
HANGS = 20


@dataclass(frozen=True)
class Outcome:
    """accepted: read and scheduled. told: the sentences, of a refusal or of what the hardware does not do. seconds: CPU."""

    accepted: bool
    told: tuple[str, ...]
    seconds: float


@cache
def sample(name: str) -> nmrqb.Sample:
    return nmrqb.Sample.load(name)


@cache
def sequence(name: str) -> nmrqb.Sequence:
    return nmrqb.Sequence.load(name)


@cache
def natural(path: Path) -> nmrqb.Sample:
    """The sample on which a sequence runs: the first of the library that has its channels, the nematic pair where it can."""
    for name in ("nematic-pair", "chloroform", "acetonitrile", "methyl-fluoride", "fluorapatite-chain"):
        try:
            nmrqb.schedule(nmrqb.Sequence.load(path), sample(name))
        except InputError:
            continue
        return sample(name)
    raise AssertionError(path)


@contextmanager
def no_hang():
    def alarm(*_):
        raise TimeoutError(f"no answer within {HANGS} s")

    before = signal.signal(signal.SIGALRM, alarm)
    signal.setitimer(signal.ITIMER_REAL, HANGS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def fate(path: Path, seed: Path) -> Outcome:
    """Of a file that was made from a seed. Whatever is not InputError goes through: it is a bug."""
    began = time.process_time()
    told: list[str] = []
    accepted = False
    with no_hang():
        try:
            document = load_document(path, "file.toml")
            if seed in SAMPLES:
                of = nmrqb.Sample.parse(document, "file")
                what = sequence("spin-echo")
                str(of.groups), of.n <= 5 and of.hamiltonian()
            else:
                what, of = nmrqb.Sequence.parse(document, "file", path.parent), natural(seed)
            accepted = True
            told += map(str, hardware_findings(what, of))
            nmrqb.schedule(what, of)
        except InputError as refused:
            told += map(str, refused.problems)
    return Outcome(accepted, tuple(told), time.process_time() - began)


def fresh_peak() -> float:
    """Has Linux forget the most memory that this process ever had; what it has now, in MB (1e6 bytes)."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak() -> float:
    """The most memory that this process has had since, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6
