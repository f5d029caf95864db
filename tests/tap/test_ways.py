"""Every way to run a session makes the same record and waits at the same gate, or is refused in so many words."""

from __future__ import annotations

import gc
import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from jidoka_tap import Rejected, WatchedSession, open_tap, watch, watched, wire
from jidoka_tap.layout import UNSENDABLE
from jidoka_tap.ways import Feed, array_of

from tests.processes import wait_until
from tests.tap.conftest import MODEL, open_session
from tests.tap.listener import Listener, tensor

Listen = Callable[..., Listener]
Feeds = dict[str, Any]
PATIENT_S = 20.0
WHERE = {"part": 41, "position": 2, "recipe": 3}


def open_wide() -> ort.InferenceSession:
    """A session that can run asynchronously: that takes a pool of threads."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 2
    options.log_severity_level = 4
    return ort.InferenceSession(str(MODEL), options, providers=["CPUExecutionProvider"])


def by_run(own: Any, feed: Feeds, **where: int) -> list[Any]:
    return own.run(None, feed, **where)


def by_ort_values(own: Any, feed: Feeds, **where: int) -> list[Any]:
    values = {name: ort.OrtValue.ortvalue_from_numpy(array) for name, array in feed.items()}
    return [value.numpy() for value in own.run_with_ort_values(None, values, **where)]


def by_own_binding(own: Any, feed: Feeds, **where: int) -> list[Any]:
    binding = own.io_binding()
    assert isinstance(binding, ort.IOBinding)
    binding.bind_cpu_input("image", feed["image"])
    binding.bind_output("embedding")  # not in the model's order
    binding.bind_output("logits")
    own.run_with_iobinding(binding, **where)
    return binding.copy_outputs_to_cpu()[::-1]


def by_other_binding(own: Any, feed: Feeds, **where: int) -> list[Any]:
    binding = ort.IOBinding(own)
    image = ort.OrtValue.ortvalue_from_numpy(feed["image"])
    binding.bind_ortvalue_input("image", image)
    rows = ort.OrtValue.ortvalue_from_shape_and_type([1, 64], np.float32)
    binding.bind_ortvalue_output("embedding", rows)
    binding.bind_output("logits")
    own.run_with_iobinding(binding, **where)
    return [binding.get_outputs()[1].numpy(), rows.numpy()]


def by_async(own: Any, feed: Feeds, **where: int) -> list[Any]:
    came, is_there = [], threading.Event()

    def callback(outputs: Any, data: Any, error: str) -> None:
        came.append((outputs, data, error))
        is_there.set()

    own.run_async(None, feed, callback, "mine", **where)
    assert is_there.wait(PATIENT_S)
    ((outputs, data, error),) = came
    assert data == "mine"
    if error:
        assert list(outputs) == []
        raise RuntimeError(error)
    return outputs


WAYS = [by_run, by_ort_values, by_own_binding, by_other_binding, by_async]
Way = Callable[..., list[Any]]


@pytest.mark.parametrize("way", WAYS)
def test_each_way_makes_the_record_that_run_makes(way: Way, feed: Feeds, path: Path, listen: Listen) -> None:
    listener = listen()
    own = watch(open_wide(), "m", socket=str(path))
    listener.wait_for_connection(own.tap)
    outputs = way(own, feed, **WHERE)
    (record,) = listener.wait_for_records(1)
    assert (record.part, record.position, record.recipe) == (41, 2, 3)
    assert record.latency_ns > 0
    bare = open_session().run(None, feed)
    for n in range(2):
        assert np.array_equal(tensor(record, wire.OUTPUT, n), outputs[n])
        assert np.allclose(outputs[n], bare[n], atol=1e-5)
    assert np.array_equal(tensor(record, wire.INPUT, 0), feed["image"])
    assert own.tap.counts.not_watched == 0


@pytest.mark.parametrize("way", WAYS)
def test_each_way_copies_only_outputs_that_the_monitor_wants(
    way: Way, feed: Feeds, path: Path, listen: Listen
) -> None:
    listener = listen(terms={"wanted": {"outputs": ["logits"], "inputs": None}, "every": 0})
    own = watch(open_wide(), "m", socket=str(path))
    listener.wait_for_connection(own.tap)
    outputs = way(own, feed)
    (record,) = listener.wait_for_records(1)
    assert [(each.role, each.index) for each in record.tensors] == [(wire.OUTPUT, 0)]
    assert np.array_equal(tensor(record, wire.OUTPUT, 0), outputs[0])


@pytest.mark.parametrize("way", WAYS)
def test_each_way_waits_at_the_gate(way: Way, feed: Feeds, path: Path, listen: Listen) -> None:
    listener = listen(judge=lambda record: (1, record.part, record.part))
    own = watch(open_wide(), "m", socket=str(path), gate=True, deadline_s=PATIENT_S)
    listener.wait_for_connection(own.tap)
    with listener.pumping():
        assert len(way(own, feed, part=wire.SUSPECT)) == 2
        with pytest.raises(RuntimeError, match="m: the record is rejected: NaN among the outputs"):
            way(own, feed, part=wire.REJECT)
    assert [record.part for record in listener.records] == [wire.SUSPECT, wire.REJECT]
    assert own.tap.counts.rejected == 1


def test_in_a_callback_the_verdict_is_that_of_its_own_call(feed: Feeds, path: Path, listen: Listen) -> None:
    listener = listen(judge=lambda record: (0, record.part, record.part))
    own = watch(open_wide(), "m", socket=str(path), gate=True, deadline_s=PATIENT_S)
    listener.wait_for_connection(own.tap)
    seen, is_there = [], threading.Event()

    def callback(_outputs: Any, _data: Any, _error: str) -> None:
        seen.append(own.verdict)
        is_there.set()

    with listener.pumping():
        own.run_async(None, feed, callback, None, part=wire.SUSPECT)
        assert is_there.wait(PATIENT_S)
    assert (seen[0].part, seen[0].level) == (1, "suspect")
    assert own.verdict is None  # this thread made no call


@pytest.mark.parametrize("way", WAYS)
def test_each_way_raises_what_the_bare_session_raises_and_makes_no_record(
    way: Way, feed: Feeds, path: Path, listen: Listen
) -> None:
    listener = listen()
    own = watch(open_wide(), "m", socket=str(path))
    listener.wait_for_connection(own.tap)
    with pytest.raises(Exception, match=r"Got: 5|got: 5|dimension"):
        way(own, {"image": np.zeros((1, 1, 5, 5), np.uint8)})
    way(own, feed)
    assert len(listener.wait_for_records(1)) == 1


def test_a_binding_is_read_anew_for_each_call(feed: Feeds, path: Path, listen: Listen) -> None:
    listener = listen()
    session = open_session()
    own = watch(session, "m", socket=str(path))
    listener.wait_for_connection(own.tap)
    image = feed["image"].copy()
    binding = own.io_binding()
    binding.bind_cpu_input("image", image)
    binding.bind_output("logits")
    own.run_with_iobinding(binding)
    image[:] = 7  # the bound memory, filled anew
    binding.synchronize_inputs()
    own.run_with_iobinding(binding)
    binding.clear_binding_outputs()
    binding.bind_output("embedding")
    own.run_with_iobinding(binding)
    records = listener.wait_for_records(3)
    assert np.array_equal(tensor(records[0], wire.INPUT, 0), feed["image"])
    assert (tensor(records[1], wire.INPUT, 0) == 7).all()
    bare = session.run(None, {"image": image})
    assert np.array_equal(tensor(records[1], wire.OUTPUT, 0), bare[0])
    assert [each.index for each in records[2].tensors if each.role == wire.OUTPUT] == [1]
    assert np.array_equal(tensor(records[2], wire.OUTPUT, 1), bare[1])


class Distant:
    """An OrtValue on a device that this machine lacks: it counts how often it is copied."""

    def __init__(self, array: Any) -> None:
        self.array, self.copies = array, 0

    def device_name(self) -> str:
        return "Cuda"

    def is_tensor(self) -> bool:
        return True

    def numpy(self) -> Any:
        self.copies += 1
        return self.array


def test_an_input_on_another_device_is_never_copied_and_a_wanted_output_is() -> None:
    value = Distant(np.zeros(3, np.float32))
    assert Feed({"x": value})["x"] is UNSENDABLE
    assert value.copies == 0
    assert array_of(value) is value.array
    assert Feed({"x": None})["x"] is UNSENDABLE


def test_outputs_that_are_no_tensors_are_named_and_not_sent() -> None:
    assert array_of(ort.OrtValue.ortvalue_from_numpy(np.zeros(2, np.float32))).shape == (2,)
    assert array_of([{0: 0.5}]) is UNSENDABLE


def test_a_gate_refuses_a_call_that_it_cannot_see(path: Path, feed: Feeds) -> None:
    own = watch(open_session(), "m", socket=str(path), gate=True)
    with pytest.raises(
        RuntimeError, match=r"unseen: run_with_ortvaluevector\(\) can't be watched: use another"
    ):
        own.run_with_ortvaluevector(None, [], [], [], [], [])

    class Old:
        """The binding of an onnxruntime that doesn't tell what is bound."""

        def __init__(self, binding: Any) -> None:
            self._session, self._iobinding = binding._session, binding._iobinding

        def get_outputs(self) -> Any:
            raise AssertionError

    binding = ort.IOBinding(own)
    binding.bind_cpu_input("image", feed["image"])
    binding.bind_output("logits")
    with pytest.raises(RuntimeError, match=r"make it with io_binding\(\) of the watched session"):
        own.run_with_iobinding(Old(binding))
    assert own.tap.counts.records == 0


class Foreign:
    """A session made by somebody else."""

    def get_inputs(self) -> list[Any]:
        return [type("Name", (), {"name": "x"})]

    def get_outputs(self) -> list[Any]:
        return [type("Name", (), {"name": "y"})]

    def run(self, _names: Any, feed: Any, _options: Any = None) -> list[Any]:
        return [2 * feed["x"]]


class Partial:
    """Not quite a session."""

    def run(self, _names: Any, _feed: Any) -> list[Any]:
        return []


def test_a_session_made_by_somebody_else_is_watched(path: Path, listen: Listen) -> None:
    listener = listen()
    own = watch(Foreign(), "m", socket=str(path))
    listener.wait_for_connection(own.tap)
    own.run(None, {"x": np.ones(4, np.float32)})
    (record,) = listener.wait_for_records(1)
    assert (tensor(record, wire.OUTPUT, 0) == 2).all()
    assert not hasattr(own, "run_async")
    with pytest.raises(AttributeError, match="run_with_iobinding"):
        own.run_with_iobinding(None)


@pytest.mark.parametrize("session", [Partial(), Foreign, "model.onnx", None, 5])
def test_what_is_no_session_is_refused_with_what_to_do(session: Any) -> None:
    with pytest.raises(TypeError, match=r"needs a session with run\(.*open_tap\(\)"):
        watch(session, "m")


def test_a_session_is_watched_once(path: Path) -> None:
    session = open_session()
    own = watch(session, "m", socket=str(path))
    with pytest.raises(RuntimeError, match=r"already watched, by watch\(\)"):
        watch(session, "m", socket=str(path))
    with pytest.raises(RuntimeError, match="already watched"):
        watch(own, "other", socket=str(path))
    assert watched.watched_by(session) == "watch()"
    del own
    gc.collect()
    assert watched.watched_by(session) == ""
    assert isinstance(watch(session, "m", socket=str(path)).tap.users, int)


def test_a_claim_ends_with_release_or_with_its_session_and_names_its_holder() -> None:
    session, slotted = Foreign(), object()  # the second allows no weak references
    for each in (session, slotted):
        watched.claim(each, "jidoka attach")
        for by in ("watch()", "jidoka attach"):
            with pytest.raises(RuntimeError, match="by jidoka attach: watch it once"):
                watched.claim(each, by)
        watched.release(each)
        watched.release(each)
        assert watched.watched_by(each) == ""
    watched.claim(session, "jidoka attach")
    claims = len(watched._claims)
    del session, each
    gc.collect()
    assert len(watched._claims) == claims - 1


class Silent:
    """A session that doesn't tell what it was made of."""

    def __init__(self, session: ort.InferenceSession, trouble: type[Exception] = AttributeError) -> None:
        self.run, self.get_inputs, self.get_outputs = session.run, session.get_inputs, session.get_outputs
        self.trouble = trouble

    def __getattr__(self, name: str) -> Any:
        raise self.trouble(name)


def test_a_watch_that_fails_leaves_the_session_free(path: Path) -> None:
    session = open_session()
    with pytest.raises(ValueError, match="which model is it"):
        watch(Silent(session), socket=str(path))
    with pytest.raises(ValueError, match="isn't a SHA-256"):
        watch(session, sha256="abc", socket=str(path))
    assert isinstance(watch(session, "m", socket=str(path)), ort.InferenceSession)


def test_the_file_that_a_session_was_made_of_is_told(path: Path, listen: Listen) -> None:
    listener = listen()
    content = MODEL.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    for made_of in (MODEL, content):
        own = watch(open_session(made_of), "m", socket=str(path))
        listener.wait_for_connection(own.tap)
        assert listener.hellos[-1]["sha256"] == digest
        own.tap.close("so that the other one connects")
    named = watch(open_session(), socket=str(path))  # found by it, where no id is given
    listener.wait_for_connection(named.tap)
    assert (listener.hellos[-1]["model"], listener.hellos[-1]["sha256"]) == ("", digest)


@pytest.mark.parametrize("trouble", [AttributeError, RuntimeError])
def test_a_session_that_does_not_tell_its_file_is_watched_all_the_same(
    trouble: type[Exception], path: Path, listen: Listen
) -> None:
    listener = listen()
    own = watch(Silent(open_session(), trouble), "m", socket=str(path))
    listener.wait_for_connection(own.tap)
    assert listener.hellos[0]["sha256"] == ""


def test_a_model_may_be_known_by_its_digest_alone(feed: Feeds, path: Path, listen: Listen) -> None:
    listener = listen()
    digest = "0123456789ABCDEF" * 4
    own = watch(open_session(), sha256=digest, socket=str(path))
    listener.wait_for_connection(own.tap)
    assert listener.hellos[0]["model"] == ""
    assert listener.hellos[0]["sha256"] == digest.lower()
    own.run(None, feed)
    listener.wait_for_records(1)
    assert type(own) is WatchedSession
    assert "0123456789ab" in repr(own)


def test_a_program_without_a_session_hands_its_outputs_in_by_name(path: Path, listen: Listen) -> None:
    listener = listen()
    with open_tap("m", ["a", "b"], ["x"], str(path), runtime="TensorRT 10") as tap:
        listener.wait_for_connection(tap.tap)
        outputs = {"b": np.arange(3.0), "a": np.zeros((2, 2), np.float32)}
        assert tap.record_outputs(outputs, part=5, start_ns=100, end_ns=350) is None
        (record,) = listener.wait_for_records(1)
    assert (record.part, record.start_ns, record.latency_ns) == (5, 100, 250)
    assert np.array_equal(tensor(record, wire.OUTPUT, 1), outputs["b"])
    assert np.array_equal(tensor(record, wire.OUTPUT, 0), outputs["a"])
    assert listener.hellos[0]["runtime"] == "TensorRT 10"
    listener.wait(lambda: len(listener.goodbyes) == 1, "the end of the block is a goodbye")


def test_an_open_tap_that_is_let_go_says_goodbye(path: Path, listen: Listen) -> None:
    listener = listen()
    tap = open_tap("m", ["a"], socket=str(path))
    listener.wait_for_connection(tap.tap)
    del tap
    gc.collect()
    listener.wait(lambda: len(listener.goodbyes) == 1, "goodbye")


def test_notes_of_the_monitor_are_said_once(
    path: Path, listen: Listen, caplog: pytest.LogCaptureFixture
) -> None:
    listener = listen(terms={"notes": ["a baseline is being learned", "a baseline is being learned"]})
    with open_tap("m", ["a"], socket=str(path)) as tap:
        listener.wait_for_connection(tap.tap)
        wait_until(lambda: "the monitor says: a baseline" in caplog.text, "the log has the note")
    assert caplog.text.count("a baseline is being learned") == 1


def test_rejected_carries_its_verdict(path: Path) -> None:
    with open_tap("m", ["a"], socket=str(path), gate=True) as tap, pytest.raises(Rejected) as caught:
        tap.record_outputs({"a": np.zeros(2)}, part=9)
    assert caught.value.verdict.part == 9
    assert caught.value.verdict.is_silent
