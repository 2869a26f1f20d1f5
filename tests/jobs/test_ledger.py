"""The ledger: what it keeps, what it hands in again, and what it says when a device is lost for good."""

import json
import pickle

import numpy as np
import pytest

from nmrqb.errors import ArgumentError, JobError, RunError, TransientError
from nmrqb.jobs import Ledger, Patience, Work, checked_counts

TOKEN = "crn-5f0c9a7be1d24e8a-secret"


def work(key="a", rows=3, shots=20):
    return Work(key, ("circuit",), np.zeros(rows, int), (np.ones((rows, 2)),), np.full(rows, shots), 5)


class Device:
    """Jobs are kept by tag; `script` holds errors that its next calls raise, by method."""

    name, durable = "device", True

    def __init__(self, **script):
        self.script, self.jobs, self.calls = script, {}, []

    def _call(self, method, what):
        self.calls.append((method, what))
        if self.script.get(method):
            error = self.script[method].pop(0)
            if error is not None:
                raise error

    def submit(self, work, tag):
        self._call("submit", tag)
        self.jobs[tag] = f"id-of-{tag}"
        self._call("answer", tag)
        return self.jobs[tag]

    def find(self, tag):
        self._call("find", tag)
        return self.jobs.get(tag)

    def collect(self, job, work, done=None):
        if done:
            done(2)
        self._call("collect", job)
        return np.stack([work.shots - 3, np.full(len(work.shots), 3)], axis=1)

    def count(self, method):
        return sum(name == method for name, _ in self.calls)


class Local(Device):
    durable = False

    def find(self, tag):
        raise AssertionError("jobs that die with the process cannot be found")


def patient(**how):
    waits = []
    return waits, Patience(**{"seed": 1, "sleep": waits.append, **how})


def records(folder):
    return [json.loads(line) for line in (folder / "ledger.jsonl").read_text().splitlines()]


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_tag_is_on_disk_before_work_is_handed_in_and_id_before_it_is_waited_for(tmp_path):
    seen = {}

    class Watching(Device):
        def _call(self, method, what):
            seen[method] = [record["event"] for record in records(tmp_path)], (tmp_path / "a.work.npz").exists()

    with Ledger(tmp_path) as ledger:
        ledger.run(Watching(), [work()])
    assert seen["submit"] == (["begin", "intent"], True)
    assert seen["collect"] == (["begin", "intent", "job"], True)
    begin, intent, job = records(tmp_path)
    assert intent["tag"] == job["tag"]
    assert begin["run"] in intent["tag"]
    assert (intent["device"], intent["rows"], intent["shots"]) == ("device", 3, 60)
    assert job["job"] == f"id-of-{intent['tag']}"
    kept = np.load(tmp_path / "a.work.npz")
    assert np.array_equal(kept["angles_0"], np.ones((3, 2)))
    assert (list(kept["shots"]), int(kept["seed"])) == ([20, 20, 20], 5)


def test_a_second_process_finds_the_counts_and_asks_for_nothing(tmp_path):
    works = [work("a"), work("b", 2), work("a")]
    with Ledger(tmp_path) as ledger:
        first = ledger.run(Device(), works)
    before, other = content(tmp_path), Device()
    with Ledger(tmp_path) as ledger:
        second = ledger.run(other, works)
    assert other.calls == []
    assert [counts.shape for counts in second] == [(3, 2), (2, 2), (3, 2)]
    assert all(map(np.array_equal, first, second))
    assert content(tmp_path) == before


def test_two_ledgers_never_share_tags(tmp_path):
    """Two runs with one seed are two measurements."""
    devices = [Device(), Device()]
    for name, device in zip("ab", devices, strict=True):
        with Ledger(tmp_path / name) as ledger:
            ledger.run(device, [work()])
    assert not devices[0].jobs.keys() & devices[1].jobs.keys()


def test_an_answer_that_is_lost_does_not_hand_the_work_in_again():
    device = Device(answer=[TransientError("no answer")])
    waits, patience = patient()
    Ledger(patience=patience).run(device, [work()])
    assert (device.count("submit"), device.count("find"), len(waits)) == (1, 1, 1)


def test_a_request_that_was_refused_is_made_again_under_the_same_tag():
    device = Device(submit=[TransientError("busy")] * 3)
    waits, patience = patient()
    Ledger(patience=patience).run(device, [work()])
    assert len({tag for name, tag in device.calls if name == "submit"}) == 1
    assert device.count("submit") == 4
    assert all(0.5 * 2**k <= wait <= 2**k for k, wait in enumerate(waits))


def test_patience_ends_with_what_is_finished_kept(tmp_path):
    device = Device(collect=[None, *[TransientError("the network is down", "mend it")] * 9])
    waits, patience = patient(tries=4)
    with (
        Ledger(tmp_path, patience) as ledger,
        pytest.raises(RunError, match=r"network is down \(tried 4 times\); mend it") as told,
    ):
        ledger.run(device, [work("a"), work("b")], in_flight=1)
    assert not isinstance(told.value, TransientError)
    assert len(waits) == 3
    assert {path.name for path in tmp_path.iterdir()} == {"ledger.jsonl", "a.npy", "a.work.npz", "b.work.npz"}
    device.script = {}
    with Ledger(tmp_path) as ledger:
        ledger.run(device, [work("a"), work("b")])
    assert device.count("submit") == 2


def test_lost_jobs_are_handed_in_again_under_new_tags_and_not_for_ever(tmp_path):
    device = Device(collect=[JobError("cancelled"), JobError("failed")])
    with Ledger(tmp_path) as ledger:
        (counts,) = ledger.run(device, [work()])
    assert counts.sum() == 60
    assert sorted(tag[-2:] for tag in device.jobs) == ["-1", "-2", "-3"]
    assert [record["reason"] for record in records(tmp_path) if record["event"] == "lost"] == ["cancelled", "failed"]
    lost = Device(collect=[JobError("cancelled", "ask them")] * 9)
    with pytest.raises(RunError, match=r"device lost 3 jobs in a row \(cancelled\); ask them"):
        Ledger().run(lost, [work()])
    assert lost.count("submit") == 3


def test_a_job_lost_in_the_last_process_is_handed_in_again_by_the_next(tmp_path):
    device = Device(collect=[JobError("cancelled")])
    with Ledger(tmp_path, Patience(jobs=1)) as ledger, pytest.raises(RunError, match="lost a job"):
        ledger.run(device, [work()])
    with Ledger(tmp_path, Patience(jobs=1)) as ledger:
        ledger.run(device, [work()])
    assert sorted(tag[-2:] for tag in device.jobs) == ["-1", "-2"]


def test_a_refusal_for_good_is_not_tried_again():
    device = Device(submit=[RunError("no such instance")])
    with pytest.raises(RunError, match="no such instance"):
        Ledger().run(device, [work()])
    assert len(device.calls) == 1


def test_only_so_many_jobs_wait_at_once():
    waiting, most = set(), []

    class Counting(Device):
        def submit(self, work, tag):
            waiting.add(super().submit(work, tag))
            most.append(len(waiting))
            return self.jobs[tag]

        def collect(self, job, work, done=None):
            waiting.discard(job)
            return super().collect(job, work, done)

    Ledger().run(Counting(), [work(str(k)) for k in range(9)], in_flight=4)
    assert max(most) == 4
    with pytest.raises(ArgumentError, match="in_flight must be 1 or more, but is 0"):
        Ledger().run(Counting(), [], in_flight=0)


def test_jobs_that_die_with_the_process_leave_only_their_counts(tmp_path):
    with Ledger(tmp_path) as ledger:
        ledger.run(Local(collect=[JobError("out of memory")]), [work("a"), work("b")])
    assert {path.name for path in tmp_path.iterdir()} == {"ledger.jsonl", "a.npy", "b.npy"}
    assert [record["event"] for record in records(tmp_path)] == ["begin"]


def test_progress_tells_each_row_once_whatever_happens(tmp_path):
    told, again = [], []
    with Ledger(tmp_path) as ledger:
        ledger.run(Device(collect=[JobError("lost")]), [work("a"), work("b", 5)], told.append)
    with Ledger(tmp_path) as ledger:
        ledger.run(Device(), [work("a"), work("b", 5), work("c", 2)], again.append)
    assert sum(told) == 8
    assert sum(again) == 10


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda _: b"", lambda data: data[:-8] + b"\0" * 8])
def test_damaged_counts_are_asked_for_again_and_not_measured_again(damage, tmp_path):
    device = Device()
    with Ledger(tmp_path) as ledger:
        ledger.run(device, [work()])
    whole = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(damage(whole))
    with Ledger(tmp_path) as ledger:
        (counts,) = ledger.run(device, [work()])
    assert counts.sum() == 60
    assert (tmp_path / "a.npy").read_bytes() == whole
    assert device.count("submit") == 1


def test_a_line_that_was_being_written_is_dropped_wherever_it_was_cut(tmp_path):
    """What it was to announce had not begun: each cut leads to the same counts, with one job for each piece of work."""
    device = Device()
    with Ledger(tmp_path / "whole") as ledger:
        ledger.run(device, [work("a")])
    whole = (tmp_path / "whole" / "ledger.jsonl").read_bytes()
    tag = records(tmp_path / "whole")[1]["tag"]
    after_intent = whole.find(b"\n", whole.find(b"\n") + 1) + 1
    for cut in range(
        after_intent, len(whole), 7
    ):  # within the record of the job: the tag is known, and the id is found
        place = tmp_path / str(cut)
        place.mkdir()
        (place / "ledger.jsonl").write_bytes(whole[:cut])
        with Ledger(place) as ledger:
            ledger.run(device, [work("a")])
        assert (place / "ledger.jsonl").read_bytes() == whole
    assert list(device.jobs) == [tag]


@pytest.mark.parametrize(
    "text",
    ["no ledger\n", "[1]\n", '{"event": "begin"}\n', '{"event": "job", "key": "a", "job": "b"}\n',
     '{"event": "begin", "run": "a"}\n{"event": "job", "key": "a", "job": "b"}\n', '{"event": "begin", "run": "a"}\n{"event": "x"}\n'],
)  # fmt: skip
def test_what_is_no_ledger_is_told_so_and_left_alone(text, tmp_path):
    (tmp_path / "ledger.jsonl").write_text(text)
    with pytest.raises(RunError, match=r"ledger\.jsonl is not the ledger of a run; nothing can be told"):
        Ledger(tmp_path).run(Device(), [work()])
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"ledger.jsonl": text}


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        (np.array([[20, 0], [20, 0]]), r"shape \(2, 2\) for 3 rows"),
        (np.full((3, 2), 10.0), "float64 counts"),
        (np.array([[20, 0], [25, -5], [20, 0]]), "negative count -5"),
        (np.array([[20, 0], [20, 0], [19, 0]]), "19 counts in row 2, where 20 shots"),
        (None, "object counts"),
    ],
)
def test_what_cannot_be_the_counts_is_a_lost_job(counts, told):
    with pytest.raises(JobError, match=told):
        checked_counts(counts, work())
    assert checked_counts(np.array([[20, 0], [1, 19], [0, 20]], np.int32), work()).dtype == np.int64


@pytest.mark.parametrize("key", ["", "../a", "a/b", ".a", "a b", "x" * 101])
def test_a_key_that_is_no_file_name_is_refused(key):
    with pytest.raises(ArgumentError, match="key must be 1 to 100 letters"):
        Ledger().run(Device(), [work(key)])


def test_a_key_of_a_hundred_letters_is_taken(tmp_path):
    with Ledger(tmp_path) as ledger:
        assert len(ledger.run(Device(), [work("x" * 100)])) == 1


def test_a_token_in_the_words_of_a_device_does_not_reach_the_disk(tmp_path, monkeypatch):
    monkeypatch.setenv("QISKIT_IBM_TOKEN", TOKEN)
    with Ledger(tmp_path) as ledger:
        ledger.run(Device(collect=[JobError(f"bad header {TOKEN}")]), [work()])
    assert "bad header ***" in (tmp_path / "ledger.jsonl").read_text()
    assert not [name for name, data in content(tmp_path).items() if TOKEN.encode() in data]


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"cannot be written .*not a directory"):
        Ledger(tmp_path / "file" / "jobs").run(Device(), [work()])


def test_a_ledger_opens_again_after_it_was_closed(tmp_path):
    ledger = Ledger(tmp_path)
    device = Device()
    for _ in range(2):
        ledger.run(device, [work()])
        ledger.close()
    assert device.count("submit") == 1
    kept, memory = Device(), Ledger()
    for _ in range(2):
        memory.run(kept, [work()])
        memory.close()
    assert kept.count("submit") == 1


def test_errors_of_jobs_cross_processes():
    error = pickle.loads(pickle.dumps(JobError("lost", "again")))
    assert (type(error), error.message, error.remedy) == (JobError, "lost", "again")


def test_what_was_decided_first_stands(tmp_path):
    for ledger in (Ledger(tmp_path), Ledger()):
        assert ledger.decided("qubits", [3, 4]) == [3, 4]
        assert ledger.decided("qubits", [7, 8]) == [3, 4]
        assert ledger.decided("pair", [7, 8]) == [7, 8]
        ledger.close()
    with Ledger(tmp_path) as later:
        assert later.decided("qubits", [0, 1]) == [3, 4]
        assert len(later.run(Device(), [work()])) == 1
    with Ledger(tmp_path) as last:
        assert last.decided("pair", None) == [7, 8]
