"""A watched session is the session it was, and what it does arrives at the monitor, numbered without a gap."""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from jidoka_tap import WatchedSession, watch, wire
from onnxruntime.capi import onnxruntime_pybind11_state as runtime

from tests.processes import wait_until
from tests.tap.conftest import open_session
from tests.tap.listener import Listener, tensor

Listen = Callable[..., Listener]
Feed = dict[str, Any]


def watched(
    session: Any, path: Path, listener: Listener, model: str = "surface-inspection"
) -> WatchedSession:
    session = watch(session, model, socket=str(path))
    listener.wait_for_connection(session.tap)
    return session


def numbers_without_gap(records: list[wire.Record]) -> bool:
    first = records[0].number
    return [record.number for record in records] == list(range(first, first + len(records)))


def test_results_are_those_of_the_bare_session(
    session: ort.InferenceSession, feed: Feed, path: Path, listen: Listen
) -> None:
    own = watched(session, path, listen())
    for names in (None, [], ["embedding"], ["embedding", "logits"], ("logits",)):
        bare, seen = session.run(names, feed), own.run(names, feed)
        assert type(bare) is type(seen)
        assert all(np.array_equal(a, b) for a, b in zip(bare, seen, strict=True))


def test_the_object_that_the_session_returned_is_handed_on_itself(
    feed: Feed, path: Path, session: ort.InferenceSession
) -> None:
    class Keeps:
        def run(self, *arguments: Any) -> Any:
            self.last = session.run(*arguments)
            return self.last

        def __getattr__(self, name: str) -> Any:
            return getattr(session, name)

    keeps = Keeps()
    assert watch(keeps, "m", socket=str(path)).run(None, feed) is keeps.last


def test_outputs_and_inputs_arrive_as_they_were_with_part_position_and_recipe(
    session: ort.InferenceSession, feed: Feed, path: Path, listen: Listen
) -> None:
    listener = listen()
    own = watched(session, path, listener)
    logits, embedding = own.run(None, feed, part=4711, position=2, recipe=9)
    (record,) = listener.wait_for_records(1)
    assert (record.part, record.position, record.recipe) == (4711, 2, 9)
    assert record.latency_ns > 0
    assert np.array_equal(tensor(record, wire.OUTPUT, 0), logits)
    assert np.array_equal(tensor(record, wire.OUTPUT, 1), embedding)
    assert np.array_equal(tensor(record, wire.INPUT, 0), feed["image"])


def test_the_hello_says_who_speaks(session: ort.InferenceSession, path: Path, listen: Listen) -> None:
    listener = listen()
    watched(session, path, listener)
    (hello,) = listener.hellos
    assert hello["model"] == "surface-inspection"
    assert (hello["inputs"], hello["outputs"]) == (["image"], ["logits", "embedding"])
    assert hello["runtime"] == f"onnxruntime {ort.__version__} on CPUExecutionProvider"
    assert len(bytes.fromhex(hello["boot"])) == 16
    assert hello["dropped"] == 0


@pytest.mark.parametrize(("every", "with_inputs"), [(0, 0), (1, 12), (3, 4), (50, 1)])
def test_inputs_go_with_as_many_records_as_the_monitor_asked_for(
    every: int, with_inputs: int, feed: Feed, path: Path, listen: Listen
) -> None:
    listener = listen(terms={"every": every})
    own = watched(open_session(), path, listener)
    for _ in range(12):
        own.run(None, feed)
    records = listener.wait_for_records(12)
    inputs = [sum(each.role == wire.INPUT for each in record.tensors) for record in records]
    assert sum(inputs) == with_inputs
    assert all(sum(each.role == wire.OUTPUT for each in record.tensors) == 2 for record in records)


def test_only_the_region_that_the_monitor_asked_for_is_sent(
    session: ort.InferenceSession, feed: Feed, path: Path, listen: Listen
) -> None:
    listener = listen(terms={"roi": [10, 20, 30, 40]})
    watched(session, path, listener).run(None, feed)
    (record,) = listener.wait_for_records(1)
    assert np.array_equal(tensor(record, wire.INPUT, 0), feed["image"][:, :, 20:60, 10:40])


def test_an_output_that_the_application_does_not_ask_for_is_not_computed_but_named_in_the_log(
    session: ort.InferenceSession, feed: Feed, path: Path, listen: Listen, caplog: pytest.LogCaptureFixture
) -> None:
    listener = listen()
    own = watched(session, path, listener)
    for _ in range(3):
        assert len(own.run(["logits"], feed)) == 1
    records = listener.wait_for_records(3)
    assert [each.index for each in records[0].tensors if each.role == wire.OUTPUT] == [0]
    wait_until(lambda: "'embedding'" in caplog.text, "the missing output is named")
    assert caplog.text.count("'embedding'") == 1


def test_a_tensor_that_is_too_large_is_named_once_and_counted(
    session: ort.InferenceSession, feed: Feed, path: Path, listen: Listen, caplog: pytest.LogCaptureFixture
) -> None:
    listener = listen(terms={"inline_limit_bytes": 1000})
    own = watched(session, path, listener)
    for _ in range(3):
        own.run(None, feed)
    records = listener.wait_for_records(3)
    (image,) = [each for each in records[0].tensors if each.role == wire.INPUT]
    assert image.array is None
    assert image.shape == (1, 1, 96, 96)
    wait_until(lambda: "'image' isn't sent" in caplog.text, "the large input is named")
    assert caplog.text.count("'image' isn't sent") == 1
    assert own.tap.counts.tensors_not_sent == 3
    listener.wait(lambda: listener.beats[-1] == (3, 0, 3), "a beat tells the counts")


@pytest.mark.parametrize("batch", [1, 3, 6])
def test_records_of_any_size_arrive_whole_whatever_the_layout_in_memory(
    batch: int, session: ort.InferenceSession, path: Path, listen: Listen
) -> None:
    listener = listen()
    own = watched(session, path, listener)
    wide = np.random.default_rng(2).integers(0, 256, (batch, 1, 96, 192), np.uint8)
    own.run(None, {"image": wide[..., ::2]})
    (record,) = listener.wait_for_records(1)
    assert np.array_equal(tensor(record, wire.INPUT, 0), wide[..., ::2])


def test_a_wrong_input_raises_what_onnxruntime_raises_and_makes_no_record(
    session: ort.InferenceSession, feed: Feed, path: Path, listen: Listen
) -> None:
    listener = listen()
    own = watched(session, path, listener)
    wrong: list[tuple[Any, Any]] = [
        (None, {"image": np.zeros((1, 1, 5, 5), np.uint8)}),
        (None, {"image": np.zeros((1, 1, 96, 96), np.float32)}),
        (["no such output"], feed),
        (None, {}),
    ]
    for names, bad in wrong:
        with pytest.raises(Exception) as bare:  # noqa: PT011 - whatever it is, it must be the same
            session.run(names, bad)
        with pytest.raises(type(bare.value)) as seen:
            own.run(names, bad)
        assert str(seen.value) == str(bare.value)
    own.run(None, feed)
    assert len(listener.wait_for_records(1)) == 1
    assert own.tap.counts.records == 1


@pytest.mark.parametrize("where", [{"part": -1}, {"part": "A-17"}, {"position": 70_000}, {"recipe": 1.5}])
def test_a_part_number_that_cannot_be_one_costs_only_itself(
    where: dict[str, Any], feed: Feed, path: Path, listen: Listen,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    listener = listen()
    own = watched(open_session(), path, listener)
    own.run(None, feed, **where)
    (record,) = listener.wait_for_records(1)
    assert (record.part, record.position, record.recipe) == (0, 0, 0)
    wait_until(lambda: "goes without them" in caplog.text, "the log says so")


def test_everything_else_is_the_sessions_own(session: ort.InferenceSession, path: Path) -> None:
    own = watch(session, "m", socket=str(path))
    assert isinstance(own, ort.InferenceSession)
    assert own.get_providers() == session.get_providers()
    assert own.get_inputs()[0].name == "image"
    own.my_own_mark = 5
    assert session.my_own_mark == 5  # type: ignore[attr-defined]
    del own.my_own_mark
    assert not hasattr(session, "my_own_mark")
    assert set(dir(session)) < set(dir(own))
    with pytest.raises(AttributeError, match="no_such_thing"):
        own.no_such_thing  # noqa: B018


def test_a_call_that_is_not_watched_works_and_is_said_once_and_counted(
    session: ort.InferenceSession, feed: Feed, path: Path, listen: Listen, caplog: pytest.LogCaptureFixture
) -> None:
    own = watched(session, path, listen())
    image = ort.OrtValue.ortvalue_from_numpy(feed["image"])
    for _ in range(2):
        names, values = ["image"], runtime.OrtValueVector()
        values.push_back(image._ortvalue)
        outputs = runtime.OrtValueVector()
        where = ort.OrtDevice.make("cpu", 0)._get_c_device()
        own.run_with_ortvaluevector(ort.RunOptions(), names, values, ["logits"], outputs, [where])
        assert np.array_equal(outputs[0].numpy(), session.run(["logits"], feed)[0])
    assert own.tap.counts.not_watched == 2
    assert own.tap.counts.records == 0
    wait_until(lambda: "run_with_ortvaluevector() can't be watched" in caplog.text, "the log says so")
    assert caplog.text.count("can't be watched") == 1


def test_threads_share_a_session_and_its_records_are_numbered_without_a_gap_in_the_order_they_arrive(
    session: ort.InferenceSession, feed: Feed, path: Path, listen: Listen
) -> None:
    listener = listen()
    own = watched(session, path, listener)

    def work(worker: int) -> None:
        for n in range(25):
            own.run(None, feed, part=1000 * worker + n)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(1, 5)]
    for thread in threads:
        thread.start()
    records = listener.wait_for_records(100)
    for thread in threads:
        thread.join()
    assert numbers_without_gap(records)
    assert {record.part for record in records} == {1000 * w + n for w in range(1, 5) for n in range(25)}


def test_two_models_have_a_connection_each(feed: Feed, path: Path, listen: Listen) -> None:
    listener = listen()
    first = watched(open_session(), path, listener, "left")
    second = watched(open_session(), path, listener, "right")
    assert first.tap is not second.tap
    for n in range(5):
        first.run(None, feed, part=n)
        second.run(None, feed, part=100 + n)
    listener.wait_for_records(10)
    assert {hello["model"] for hello in listener.hellos} == {"left", "right"}
    for model, parts in (("left", range(5)), ("right", range(100, 105))):
        records = [r for r, m in zip(listener.records, listener.record_models, strict=True) if m == model]
        assert [record.part for record in records] == list(parts)
        assert numbers_without_gap(records)


def test_two_sessions_of_one_model_are_one_writer(feed: Feed, path: Path, listen: Listen) -> None:
    listener = listen()
    first = watched(open_session(), path, listener)
    second = watched(open_session(), path, listener)
    first.run(None, feed)
    second.run(None, feed)
    assert numbers_without_gap(listener.wait_for_records(2))
    assert len(listener.hellos) == 1
    del first
    gc.collect()
    second.run(None, feed)
    listener.wait_for_records(3)
    assert not listener.goodbyes


def test_a_session_that_is_let_go_says_goodbye(feed: Feed, path: Path, listen: Listen) -> None:
    listener = listen()
    own = watched(open_session(), path, listener)
    own.run(None, feed)
    tap = own.tap
    del own
    gc.collect()
    listener.wait(lambda: len(listener.goodbyes) == 1 and listener.ended == 1, "goodbye, then the end")
    tap.record(0, 1, 0, 0, 0, None, [], {})
    assert tap.counts.dropped == 1


def test_a_failure_in_the_tap_itself_never_reaches_the_application(
    session: ort.InferenceSession, feed: Feed, path: Path, listen: Listen, caplog: pytest.LogCaptureFixture
) -> None:
    class Odd:
        """Returns something that no runtime does."""

        def run(self, *_: Any) -> Any:
            return 5

        def __getattr__(self, name: str) -> Any:
            return getattr(session, name)

    own = watched(Odd(), path, listen())
    caplog.set_level(logging.WARNING)
    assert own.run(None, feed) == 5
    assert own.tap.counts.dropped == 1
    wait_until(lambda: "a record can't be made" in caplog.text, "the log says so")
