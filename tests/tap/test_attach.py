"""Attach, inside one process: what it sees of every way to run a session, and that the class stays the application's."""

from __future__ import annotations

import gc
import hashlib
import inspect
import os
import pickle
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jidoka_tap.attach
import numpy as np
import onnxruntime as ort
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jidoka_tap import watch, wire
from jidoka_tap.attach import finder, installation
from jidoka_tap.attach.launch import closed_to_hook
from jidoka_tap.attach.patches import Patches
from jidoka_tap.attach.settings import Settings, by_digest, environment, is_attached, read

from tests.processes import wait_until
from tests.tap.conftest import MODEL, open_session
from tests.tap.listener import Listener, tensor

Listen = Callable[..., Listener]
Attach = Callable[..., installation.Installation]
Feed = dict[str, Any]
SHA256 = hashlib.sha256(MODEL.read_bytes()).hexdigest()
#: behind a model: an empty text for its documentation, so another digest, and the same graph
OTHER = b"\x32\x00"
METHODS = (
    "__init__",
    "run",
    "run_with_ort_values",
    "run_with_iobinding",
    "run_async",
    "run_with_ortvaluevector",
)
BINDING_METHODS = (
    "__init__", "bind_cpu_input", "bind_input", "bind_ortvalue_input", "bind_output", "bind_ortvalue_output",
    "clear_binding_inputs", "clear_binding_outputs",
)  # fmt: skip


@pytest.fixture
def attach(path: Path) -> Iterator[Attach]:
    """Attaches this process, with settings as named; undone in the end."""

    def begin(**settings: Any) -> installation.Installation:
        installation._install(Settings(**{"socket": str(path), **settings}))
        assert installation._installed is not None
        return installation._installed

    yield begin
    jidoka_tap.attach.undo()


def tap_of(installed: installation.Installation, session: Any) -> Any:
    own = installed.sessions.begun[id(session)]
    assert own is not None
    return own.tap


def connected(
    installed: installation.Installation, listener: Listener, session: Any, feed: Feed
) -> list[wire.Record]:
    """The session has a connection, and nothing has been heard of it yet."""
    session.run(None, feed)
    listener.wait_for_connection(tap_of(installed, session))
    listener.records.clear()
    return listener.records


# ---------------------------------------------------------------- every way to run a session


def by_run(session: Any, feed: Feed) -> list[Any]:
    return list(session.run(None, feed))


def by_names(session: Any, feed: Feed) -> list[Any]:
    names = [each.name for each in session.get_outputs()]
    return list(session.run(input_feed=feed, output_names=names, run_options=ort.RunOptions()))


def by_ort_values(session: Any, feed: Feed) -> list[Any]:
    values = {name: ort.OrtValue.ortvalue_from_numpy(value) for name, value in feed.items()}
    return [each.numpy() for each in session.run_with_ort_values(None, values)]


def by_binding(session: Any, feed: Feed) -> list[Any]:
    binding = session.io_binding()
    assert type(binding) is ort.IOBinding
    for name, value in feed.items():
        binding.bind_cpu_input(name, value)
    for each in session.get_outputs():
        binding.bind_output(name=each.name)
    session.run_with_iobinding(binding)
    return list(binding.copy_outputs_to_cpu())


def by_own_binding(session: Any, feed: Feed) -> list[Any]:
    binding = ort.IOBinding(session)
    for name, value in feed.items():
        binding.bind_cpu_input(name, np.zeros_like(value))
    binding.clear_binding_inputs()
    for name, value in feed.items():
        binding.bind_ortvalue_input(name, ort.OrtValue.ortvalue_from_numpy(value))
    for each in session.get_outputs():
        binding.bind_output(each.name)
    session.run_with_iobinding(iobinding=binding, run_options=None)
    return list(binding.copy_outputs_to_cpu())


def by_async(session: Any, feed: Feed) -> list[Any]:
    came: list[Any] = []
    session.run_async(None, feed, lambda outputs, data, error: came.append((outputs, data, error)), "mine")
    wait_until(lambda: bool(came), "the callback is called")
    ((outputs, data, error),) = came
    assert (data, error) == ("mine", "")
    return list(outputs)


WAYS = (by_run, by_names, by_ort_values, by_binding, by_own_binding, by_async)


def parallel_session() -> ort.InferenceSession:
    """run_async wants a pool of threads."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 2
    options.log_severity_level = 4
    return ort.InferenceSession(str(MODEL), options, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("way", WAYS)
def test_a_session_that_is_run_in_this_way_is_seen_with_what_went_in_and_came_out(
    way: Callable[[Any, Feed], list[Any]], feed: Feed, listen: Listen, attach: Attach
) -> None:
    listener, installed = listen(), attach()
    session = parallel_session()
    connected(installed, listener, session, feed)
    outputs = way(session, feed)
    (record,) = listener.wait_for_records(1)
    assert record.part == 0
    assert np.array_equal(tensor(record, wire.INPUT, 0), feed["image"])
    for n, output in enumerate(outputs):
        assert np.array_equal(tensor(record, wire.OUTPUT, n), output)
    assert listener.hellos[0]["sha256"] == SHA256
    assert listener.hellos[0]["model"] == ""
    assert listener.hellos[0]["gate"] is False


def test_a_way_without_names_is_counted_and_still_works(feed: Feed, listen: Listen, attach: Attach) -> None:
    listener, installed = listen(), attach()
    session = parallel_session()
    connected(installed, listener, session, feed)
    vectors = [ort.capi._pybind_state.OrtValueVector() for _ in range(2)]
    vectors[0].push_back(ort.OrtValue.ortvalue_from_numpy(feed["image"])._ortvalue)
    names = [each.name for each in session.get_outputs()]
    devices = [ort.OrtDevice.make("cpu", 0)._get_c_device() for _ in names]
    session.run_with_ortvaluevector(ort.RunOptions(), ["image"], vectors[0], names, vectors[1], devices)
    assert len(vectors[1]) == len(names)
    assert tap_of(installed, session).counts.not_watched == 1


def test_a_session_of_a_class_of_the_applications_is_seen_once_a_call(
    feed: Feed, listen: Listen, attach: Attach
) -> None:
    class Own(ort.InferenceSession):
        def __init__(self, file: str) -> None:
            super().__init__(file, providers=["CPUExecutionProvider"])

        def run(self, names: Any, feed: Any, run_options: Any = None) -> Any:
            return super().run(names, feed, run_options)

    listener, installed = listen(), attach()
    session = Own(str(MODEL))
    connected(installed, listener, session, feed)
    for _ in range(3):
        session.run(None, feed)
    listener.wait_for_records(3)
    assert tap_of(installed, session).counts.records == 4


def test_a_session_that_was_made_before_is_seen_too(
    session: ort.InferenceSession, feed: Feed, listen: Listen, attach: Attach
) -> None:
    listener, installed = listen(), attach()
    connected(installed, listener, session, feed)
    session.run(None, feed)
    listener.wait_for_records(1)
    assert listener.hellos[0]["sha256"] == SHA256


def test_a_session_that_is_made_anew_in_its_place_is_seen_as_what_it_is_now(
    feed: Feed, listen: Listen, attach: Attach, tmp_path: Path
) -> None:
    (tmp_path / "other.onnx").write_bytes(MODEL.read_bytes() + OTHER)
    listener, installed = listen(), attach()
    session = open_session()
    connected(installed, listener, session, feed)
    session.__init__(str(tmp_path / "other.onnx"), providers=["CPUExecutionProvider"])  # type: ignore[misc]
    connected(installed, listener, session, feed)
    digest = hashlib.sha256((tmp_path / "other.onnx").read_bytes()).hexdigest()
    assert [hello["sha256"] for hello in listener.hellos] == [SHA256, digest]


def test_a_model_that_is_given_as_bytes_is_found_by_them(feed: Feed, listen: Listen, attach: Attach) -> None:
    listener, installed = listen(), attach(models=by_digest([("m", SHA256)]))
    session = open_session(MODEL.read_bytes())
    connected(installed, listener, session, feed)
    assert listener.hellos[0]["model"] == "m"


def test_sessions_of_one_file_share_a_connection(feed: Feed, listen: Listen, attach: Attach) -> None:
    listener, installed = listen(), attach(models=by_digest([("m", SHA256)]))
    sessions = [open_session() for _ in range(2)]
    for session in sessions:
        connected(installed, listener, session, feed)
    assert tap_of(installed, sessions[0]) is tap_of(installed, sessions[1])
    assert len(listener.hellos) == 1


def test_threads_that_call_a_session_first_at_once_share_its_tap(
    feed: Feed, listen: Listen, attach: Attach
) -> None:
    listener, installed = listen(), attach()
    session, barrier = open_session(), threading.Barrier(8)

    def work() -> None:
        barrier.wait()
        for _ in range(5):
            session.run(None, feed)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tap = tap_of(installed, session)
    listener.wait_for_connection(tap)
    assert tap.counts.records == 40
    assert len(listener.hellos) == 1


# ---------------------------------------------------------------- the class stays the application's


def test_class_signatures_attributes_and_errors_stay_the_sessions_own(feed: Feed, attach: Attach) -> None:
    def told() -> list[Any]:
        session = open_session()
        session.run(None, feed)
        cls = ort.InferenceSession
        facts: list[Any] = [
            type(session) is cls,
            isinstance(session, cls),
            cls.__mro__,
            sorted(vars(session)),
        ]
        facts += [sorted(dir(session)), repr(session).partition(" at ")[0], cls.__name__, cls.__module__]
        for name in METHODS:
            method = getattr(cls, name)
            facts += [inspect.signature(method), method.__qualname__, method.__doc__, method.__module__]
            facts += [inspect.getsource(method), dict(method.__annotations__)]
        for call in (
            lambda: session.run(None),
            lambda: session.run(None, {}),
            lambda: session.run(None, feed, part=3),
            lambda: session.run(["no such output"], feed),
            session.run_with_iobinding,
            lambda: session.run_with_iobinding(open_session().io_binding()),
            lambda: session.run_with_ort_values(None, feed),
            lambda: ort.InferenceSession("no such file", providers=["CPUExecutionProvider"]),
            ort.InferenceSession,
            lambda: pickle.dumps(session),
        ):
            with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever the session raises
                call()
            facts.append((type(caught.value), str(caught.value).partition(" at ")[0]))
        return facts

    told()  # pickle notes something on the class at its first try
    before = told()
    attach()
    assert told() == before


def test_undoing_puts_back_every_method_and_ends_the_connection(
    session: ort.InferenceSession, feed: Feed, listen: Listen, attach: Attach
) -> None:
    owners = [*ort.InferenceSession.__mro__, *ort.IOBinding.__mro__]
    before = [dict(vars(owner)) for owner in owners[:-1]]
    listener, installed = listen(), attach()
    assert [dict(vars(owner)) for owner in owners[:-1]] != before
    for name in METHODS:
        assert hasattr(getattr(ort.InferenceSession, name), "__wrapped__"), name
    for name in BINDING_METHODS:
        assert hasattr(getattr(ort.IOBinding, name), "__wrapped__"), name
    connected(installed, listener, session, feed)
    jidoka_tap.attach.undo()
    listener.wait(lambda: listener.ended == 1, "the connection ended")
    assert len(listener.goodbyes) == 1
    assert [dict(vars(owner)) for owner in owners[:-1]] == before
    own = watch(session, "m", socket=str(listener.path))
    listener.wait_for_connection(own.tap)
    jidoka_tap.attach.undo()  # nothing is attached: nothing happens
    assert own.tap.counts.is_connected


def test_what_somebody_else_put_over_a_method_stays_when_ours_goes(feed: Feed, attach: Attach) -> None:
    session = open_session()
    installed = attach()
    patches, seen = Patches(), []

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            seen.append(len(arguments))
            return original(*arguments)

        return run

    patches.replace(ort.InferenceSession, "run", make)
    jidoka_tap.attach.undo()
    try:
        assert len(session.run(None, feed)) == len(session.get_outputs())
        assert seen == [3]
        assert installed.sessions.begun == {}
    finally:
        patches.undo()
        ort.capi.onnxruntime_inference_collection.Session.run = inspect.unwrap(ort.InferenceSession.run)


def test_what_fails_beneath_a_call_is_said_once_and_the_call_is_as_without(
    feed: Feed, attach: Attach, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    attach()
    session = open_session()
    monkeypatch.setattr(type(session), "get_inputs", lambda _: 1 / 0)
    for _ in range(2):
        assert len(session.run(None, feed)) == 2
    assert caplog.text.count("a session can't be attached: ZeroDivisionError") == 1


# ---------------------------------------------------------------- which model


def test_a_session_of_a_file_that_no_model_has_is_left_alone_and_said_once_with_its_digest(
    feed: Feed, listen: Listen, attach: Attach, caplog: pytest.LogCaptureFixture
) -> None:
    listener, installed = listen(), attach(models=by_digest([("other", "ab" * 32)]))
    for _ in range(2):
        session = open_session()
        session.run(None, feed)
        assert installed.sessions.begun[id(session)] is None
    listener.pump()
    assert listener.hellos == []
    assert caplog.text.count("is left alone") == 1
    for said in (str(MODEL), SHA256, "it has: other", "--model ID"):
        assert said in caplog.text


def test_a_file_that_two_models_share_is_left_alone_until_it_is_said_which(
    feed: Feed, attach: Attach, caplog: pytest.LogCaptureFixture
) -> None:
    installed = attach(models=by_digest([("a", SHA256), ("b", SHA256)]))
    session = open_session()
    session.run(None, feed)
    assert installed.sessions.begun[id(session)] is None
    assert "it is that of a and b" in caplog.text


def test_the_only_model_is_the_first_sessions_and_passes_on_when_that_is_gone(
    feed: Feed, listen: Listen, attach: Attach, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other_file = tmp_path / "other.onnx"
    other_file.write_bytes(MODEL.read_bytes() + OTHER)
    listener, installed = listen(), attach(model="m")
    first, same, other = open_session(), open_session(), open_session(other_file)
    for session in (first, same):
        connected(installed, listener, session, feed)
    other.run(None, feed)
    assert installed.sessions.begun[id(other)] is None
    assert "--model m is another session's" in caplog.text
    del session, first, same
    gc.collect()
    listener.wait(lambda: listener.ended == 1, "the first connection ended")
    connected(installed, listener, other, feed)
    assert [hello["model"] for hello in listener.hellos] == ["m", "m"]
    assert len(listener.goodbyes) == 1


# ---------------------------------------------------------------- twice


def test_watch_takes_an_attached_session_over_and_each_call_is_one_record(
    feed: Feed, listen: Listen, attach: Attach
) -> None:
    listener, installed = listen(), attach()
    session = open_session()
    connected(installed, listener, session, feed)
    own = watch(session, "m", socket=str(listener.path))
    listener.wait_for_connection(own.tap)
    assert len(listener.goodbyes) == 1
    own.run(None, feed, part=7)
    session.run(None, feed)
    own.run(None, feed, part=8)
    listener.wait_for_records(2)
    assert [record.part for record in listener.records] == [7, 8]


def test_a_session_that_watch_has_already_is_left_to_it(
    session: ort.InferenceSession, feed: Feed, listen: Listen, attach: Attach
) -> None:
    listener = listen()
    own = watch(session, "m", socket=str(listener.path))
    listener.wait_for_connection(own.tap)
    installed = attach()
    own.run(None, feed, part=7)
    listener.wait_for_records(1)
    assert len(listener.hellos) == 1
    assert installed.sessions.begun[id(session)] is None


def test_attaching_twice_is_refused(attach: Attach) -> None:
    attach()
    with pytest.raises(RuntimeError, match="attached already"):
        jidoka_tap.attach.install()


# ---------------------------------------------------------------- the environment and the command

IDS = st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True)


@given(
    IDS | st.just(""),
    st.none() | st.dictionaries(st.integers(0, 2**256 - 1).map("{:064x}".format), st.tuples(IDS), min_size=1),
    st.none() | st.just("/run/x/tap.sock"),
    st.booleans(),
    st.none() | st.sampled_from(["/a", "/a:/b", ":", "/a::/b"]),
)
def test_what_is_said_in_the_environment_is_what_is_read_there(
    model: str, models: Any, socket: str | None, has_children: bool, pythonpath: str | None
) -> None:
    settings = Settings(model, models, socket, has_children)
    base = {"HOME": "/home"} | ({"PYTHONPATH": pythonpath} if pythonpath is not None else {})
    made = environment(base, settings)
    assert read(made) == settings
    assert is_attached(made)
    assert made["PYTHONPATH"].split(os.pathsep)[0] == finder.HOOK
    with pytest.raises(ValueError, match="attached already"):
        environment(made, settings)
    finder.strip(made)
    made.pop("JIDOKA_TAP_SOCKET", None)
    assert made == base


def test_an_environment_that_makes_no_sense_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="JIDOKA_ATTACH_MODELS"):
        read({"JIDOKA_ATTACH_MODELS": "surface-inspection"})


@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("python app.py -I", ""),
        ("python3.11 -u -Werror -X dev app.py -S", ""),
        ("python -W ignore -E app.py", "-E"),
        ("python -m app -I", ""),
        ("python -c pass -S", ""),
        ("python -uI app.py", "-I"),
        ("/usr/bin/python3 -sS app.py", "-S"),
        ("python3.13t -X faulthandler -I", "-I"),
        ("python --check-hash-based-pycs never -I", "-I"),
        ("python -Xutf8 -WE app.py", ""),
        ("python - -I", ""),
        ("nice python -I app.py", ""),
        ("env A=1 python app.py", ""),
        ("env A=1 PYTHONPATH=/x python app.py", "PYTHONPATH"),
        ("no-such-program -I", ""),
    ],
)
def test_options_that_keep_the_hook_out_are_told_before_the_start(command: str, option: str) -> None:
    why_not = closed_to_hook(command.split(), os.defpath)
    assert (option in why_not) if option else why_not == ""


@pytest.mark.parametrize(
    ("line", "option"),
    [
        (b"#!/usr/bin/python3 -I\n", "-I"),
        (b"#!/usr/bin/env -S python3 -uE\n", "-E"),
        (b"#!/usr/bin/env python3\n", ""),
        (b"#!/bin/sh\n", ""),
        (b"\x7fELF\n", ""),
        (b"#!/usr/bin/python3 'unended\n", ""),
    ],
)
def test_a_scripts_first_line_is_looked_at_too(line: bytes, option: str, tmp_path: Path) -> None:
    script = tmp_path / "app"
    script.write_bytes(line)
    script.chmod(0o755)
    for command, path in (([str(script)], os.defpath), (["app", "-S"], f"/nowhere:{tmp_path}")):
        assert closed_to_hook(command, path).partition(" ")[0] == option
