"""The ways to run a session besides run(): each makes the same record, and waits at the same gate."""

import time
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence

import numpy as np

from jidoka_tap.binding import Binding, bound_by, runtimes_own
from jidoka_tap.choice import is_in
from jidoka_tap.layout import UNSENDABLE
from jidoka_tap.sender import Tap
from jidoka_tap.verdict import Rejected


class Watch(NamedTuple):
    """What a way needs. session: the watched one, kept for as long as a call of it runs; is_gate: its calls wait for
    verdicts; record: makes the record, and waits."""

    session: Any
    tap: Tap
    is_gate: bool
    record: Callable[..., Any]


class Feed:
    """Inputs that may be OrtValues; one is turned into an array only when a record needs it.

    What lies on another device than the CPU is never copied: an application that wants its input watched hands in a
    picture with tap.image().
    """

    __slots__ = ("_values",)

    def __init__(self, values: Dict[str, Any]) -> None:
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __getitem__(self, name: str) -> Any:
        value = self._values[name]
        if isinstance(value, np.ndarray):
            return value
        is_near = value is not None and value.device_name().lower() == "cpu"
        return array_of(value) if is_near else UNSENDABLE


def array_of(value: Any) -> Any:
    """An OrtValue's numbers; a copy where it lies on another device, UNSENDABLE where it has none or can't tell."""
    if isinstance(value, np.ndarray):
        return value
    try:
        return value.numpy() if value.is_tensor() else UNSENDABLE
    except (RuntimeError, ValueError, NotImplementedError, AttributeError):
        return UNSENDABLE


def wanted_arrays(watch: Watch, names: Sequence[str], values: Sequence[Any]) -> List[Any]:
    """The values whose names the monitor wants, as arrays; the others as they are, where they are."""
    wanted = watch.tap.terms.outputs
    return [array_of(value) if is_in(name, wanted) else value for name, value in zip(names, values)]


def run_with_ort_values(
    watch: Watch,
    call: Callable[..., Any],
    output_names: Optional[Sequence[str]],
    input_dict_ort_values: Any,
    run_options: Any = None,
    *,
    part: int = 0,
    position: int = 0,
    recipe: int = 0,
) -> Any:
    """As the session's; outputs that the monitor wants are copied if they lie on another device."""
    start_ns = time.monotonic_ns()
    outputs = call(output_names, input_dict_ort_values, run_options)
    end_ns = time.monotonic_ns()
    names = list(output_names) if output_names else watch.tap.outputs
    arrays = wanted_arrays(watch, names, outputs)
    feed = Feed(input_dict_ort_values)
    watch.record(start_ns, end_ns, part, position, recipe, output_names, arrays, feed)
    return outputs


def run_with_iobinding(
    watch: Watch,
    call: Callable[..., Any],
    iobinding: Any,
    run_options: Any = None,
    *,
    part: int = 0,
    position: int = 0,
    recipe: int = 0,
) -> Any:
    """As the session's; bound outputs that the monitor wants are copied if they lie on another device.

    As a gate, Rejected is raised although the bound memory holds the outputs already: don't use them then.
    """
    bound = bound_by(iobinding)
    if bound is None:
        pass_unwatched(
            watch,
            "this IOBinding doesn't tell what is bound: make it with io_binding() of the watched session",
        )
        return call(runtimes_own(iobinding), run_options)
    inputs, names = bound
    start_ns = time.monotonic_ns()
    result = call(runtimes_own(iobinding), run_options)
    end_ns = time.monotonic_ns()
    outputs = iobinding.get_outputs()
    if len(outputs) != len(names):
        pass_unwatched(watch, "the IOBinding has %d outputs, %d were bound" % (len(outputs), len(names)))
        return result
    arrays = wanted_arrays(watch, names, outputs)
    watch.record(start_ns, end_ns, part, position, recipe, names, arrays, Feed(inputs))
    return result


def run_async(
    watch: Watch,
    call: Callable[..., Any],
    output_names: Optional[Sequence[str]],
    input_feed: Any,
    callback: Callable[..., Any],
    user_data: Any,
    run_options: Any = None,
    *,
    part: int = 0,
    position: int = 0,
    recipe: int = 0,
) -> Any:
    """As the session's. As a gate, the callback gets no outputs and the text of Rejected as its error."""

    def came(outputs: Any, data: Any, error: str) -> None:
        if not error:
            end_ns = time.monotonic_ns()
            try:
                watch.record(start_ns, end_ns, part, position, recipe, output_names, outputs, input_feed)
            except Rejected as rejected:
                outputs, error = [], str(rejected)
        callback(outputs, data, error)

    start_ns = time.monotonic_ns()
    return call(output_names, input_feed, came, user_data, run_options)


def run_with_ortvaluevector(watch: Watch, call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Not watched: its values have no names that the tap could trust."""
    pass_unwatched(watch, "run_with_ortvaluevector() can't be watched: use another way to run the session")
    return call(*arguments, **named)


def pass_unwatched(watch: Watch, why: str) -> None:
    """A call goes past the monitor: said once and counted. Raises RuntimeError where the session is a gate."""
    if watch.is_gate:
        raise RuntimeError("the gate would be passed unseen: %s" % why)
    watch.tap.tally.add("not_watched")
    watch.tap.notes.once(why)


def io_binding(watch: Watch, call: Callable[..., Any]) -> Binding:  # noqa: ARG001 - called as all ways are
    """A binding that the tap can read."""
    return Binding(call())


#: by name of the session's method; each gets the watch, the session's own method, and what it was called with
WAYS: Dict[str, Callable[..., Any]] = {
    "run_with_ort_values": run_with_ort_values,
    "run_with_iobinding": run_with_iobinding,
    "run_async": run_async,
    "run_with_ortvaluevector": run_with_ortvaluevector,
    "io_binding": io_binding,
}
