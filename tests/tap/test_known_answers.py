"""A set of known answers as a file, and shown through a watched session."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jidoka_tap import show_known_answers, watch, wire
from jidoka_tap.known_answers import MOST_BYTES, load, pack

from tests.tap.listener import Listener, tensor

INPUTS = {"x": np.arange(6, dtype=np.float32).reshape(3, 1, 2)}
OUTPUTS = {"y": 2 * INPUTS["x"]}


class Named:
    def __init__(self, name: str) -> None:
        self.name = name


class Doubling:
    """A session whose model doubles."""

    def __init__(self) -> None:
        self.calls = 0

    def get_inputs(self) -> list[Named]:
        return [Named("x")]

    def get_outputs(self) -> list[Named]:
        return [Named("y")]

    def run(self, names: Any, feed: dict[str, Any], options: Any = None) -> list[Any]:
        del names, options
        self.calls += 1
        return [2 * feed["x"]]


def a_set(folder: Path, **changes: Any) -> Path:
    values: dict[str, Any] = {"inputs": INPUTS, "outputs": OUTPUTS, "tolerances": {"y": 0.5}, **changes}
    file = folder / "answers.npz"
    file.write_bytes(pack(values["inputs"], values["outputs"], values["tolerances"]))
    return file


def test_a_set_comes_back_as_it_was_packed(tmp_path: Path) -> None:
    known = load(a_set(tmp_path))
    assert known.count == 3
    assert np.array_equal(known.inputs["x"], INPUTS["x"])
    assert np.array_equal(known.outputs["y"], OUTPUTS["y"])
    assert known.tolerances == {"y": 0.5}
    assert np.array_equal(known.feed(2)["x"], [[4, 5]])
    assert len(known.digest) == 64


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"outputs": {}}, "no inputs or no outputs"),
        ({"outputs": {"y": OUTPUTS["y"][:2]}}, "the same 1 to"),
        ({"outputs": {"y": np.float32(1)}}, "the same 1 to"),
        ({"tolerances": {"y": -1.0}}, "tolerance of 'y'"),
        ({"tolerances": {"y": float("inf")}}, "tolerance of 'y'"),
    ],
)
def test_what_cant_be_a_set_is_refused_with_the_reason(
    tmp_path: Path, changes: dict[str, Any], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        load(a_set(tmp_path, **changes))


def test_other_files_are_no_sets(tmp_path: Path) -> None:
    file = tmp_path / "x.npz"
    for content in (b"", b"no zip at all"):
        file.write_bytes(content)
        with pytest.raises(ValueError, match=r"isn't an \.npz"):
            load(file)
    np.savez(file, other=INPUTS["x"])
    with pytest.raises(ValueError, match="is none of"):
        load(file)
    wild: dict[str, Any] = {"input/x": np.array([object()])}
    np.savez(file, **wild)
    with pytest.raises(ValueError, match="pickle"):
        load(file)


def test_a_file_that_unpacks_to_more_than_there_is_room_for_is_not_unpacked(tmp_path: Path) -> None:
    file = tmp_path / "bomb.npz"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("input/x.npy", b"\0" * (MOST_BYTES + 1))
    file.write_bytes(packed.getvalue())
    assert len(packed.getvalue()) < MOST_BYTES // 100
    with pytest.raises(ValueError, match="holds more than"):
        load(file)


def test_a_set_is_shown_as_marked_records_past_a_gate(tmp_path: Path) -> None:
    listener = Listener(tmp_path / "tap.sock")
    session = Doubling()
    watched = watch(session, "m", str(listener.path), gate=True)
    try:
        listener.wait(lambda: watched.tap.counts.is_connected, "the tap is there")
        watched.tap.asked = "something"
        assert show_known_answers(watched, a_set(tmp_path)) == session.calls == 3
        listener.wait_for_records(3)
        assert [record.part for record in listener.records] == [1, 2, 3]
        assert np.array_equal(tensor(listener.records[2], wire.OUTPUT, 0), OUTPUTS["y"][2])
        assert np.array_equal(tensor(listener.records[2], wire.INPUT, 0), INPUTS["x"][2])
        assert watched.tap.asked == ""
        assert watched.verdict is None
    finally:
        watched.tap.close("the test ends")
        listener.close()


def test_without_a_monitor_nothing_is_sent_and_nothing_is_raised(tmp_path: Path) -> None:
    watched = watch(Doubling(), "m", str(tmp_path / "nobody.sock"))
    assert show_known_answers(watched, a_set(tmp_path)) == 0
    watched.tap.close("the test ends")
