"""What a bundle that is right means, in words: what is watched, what can be judged, what a command may do, what it costs."""

from __future__ import annotations

from collections.abc import Iterator

from jidoka.config import judgeable
from jidoka.config.bundle import Bundle, Channel, Input, Output, Shape
from jidoka.config.model_section import arena_slots, monitored, record_bytes, stated_bytes
from jidoka.config.quantities import duration_text

_LOOKS = {
    "logits": "class scores",
    "embedding": "an embedding",
    "command": "a command",
    "other": "plain numbers",
}


def check_lines(bundle: Bundle) -> list[str]:
    """`heading  sentence` lines."""
    rows = [("Task", line) for line in _task(bundle)]
    rows += [("Input", _input(each)) for each in bundle.inputs]
    rows += [("Output", _output(each)) for each in bundle.outputs]
    rows += [("Command", line) for line in _command(bundle)]
    lacking = judgeable.lacking(bundle, has_thumbnail=False)
    can = [need.condition for need in judgeable.NEEDS if need.condition not in lacking]
    rows.append(("Judged", ", ".join([*can, "and what every model is judged by"])))
    rows += [("Not", f"{name}: it {need.lack}") for name, need in lacking.items()]
    rows.append(("Record", _record(bundle)))
    rows += [("Note", line) for line in notes(bundle)]
    lines, last = [], ""
    for heading, line in rows:
        lines.append(f"{heading if heading != last else '':<9}{line}")
        last = heading
    return lines


def notes(bundle: Bundle) -> Iterator[str]:
    """What is allowed and may not be meant."""
    for each in bundle.inputs:
        if each.layout and each.range is None and each.dtype != "uint8":
            yield f"{each.name} is a picture without a range: black is taken as 0, white as 255"
        if each.monitored and each.layout is None and each.dtype not in judgeable.FLOATS:
            yield f"{each.name} is monitored, but whole numbers have no features: nobody looks at it"
    for output in bundle.outputs:
        if output.role == "detections" and output.boxes is None:
            yield f"{output.name} has the role detections without `boxes`: it is judged as plain numbers"
        if output.monitored and output.role == "other" and output.dtype not in judgeable.FLOATS:
            yield f"{output.name} is monitored, but whole numbers have no features: nobody looks at it"
        if output.role in {"logits", "command"} and not output.monitored:
            yield f"{output.name} is {_LOOKS[output.role]} and isn't monitored: it is neither judged nor refused"
    command = bundle.command
    if command is not None and not any(_has_limit(each) for each in command.channels):
        yield f"no channel of {command.name} has a limit: only what isn't finite is refused"


def _task(bundle: Bundle) -> Iterator[str]:
    classes = f": {', '.join(bundle.classes[:8])}" if bundle.classes else ""
    more = f" and {len(bundle.classes) - 8} more" if len(bundle.classes) > 8 else ""
    good = f"; good: {', '.join(bundle.good_classes)}" if bundle.good_classes else ""
    period = f", a command every {duration_text(bundle.period_s)}" if bundle.period_s else ""
    yield f"{bundle.task}{classes}{more}{good}{period}"


def _input(each: Input) -> str:
    looks = f", a picture {each.layout} {each.colour or ''}".rstrip() if each.layout else ""
    return f"{each.name}: {each.dtype} {_shape(each.shape)}{looks}: {_watched(each)}"


def _output(each: Output) -> str:
    looks = _LOOKS.get(each.role, "boxes" if each.boxes else "plain numbers")
    return f"{each.name}: {each.dtype} {_shape(each.shape)}, {looks}: {_watched(each)}"


def _watched(each: Input | Output) -> str:
    return "monitored" if each.monitored else "not looked at"


def _shape(shape: Shape) -> str:
    return "[" + ", ".join(map(str, shape)) + "]"


def _has_limit(channel: Channel) -> bool:
    return any(each is not None for each in (channel.low, channel.high, channel.rate, channel.jerk))


def _command(bundle: Bundle) -> Iterator[str]:
    command = bundle.command
    if command is None:
        return
    channels = command.channels
    counts = {
        "range": sum(each.low is not None or each.high is not None for each in channels),
        "rate": sum(each.rate is not None for each in channels),
        "jerk": sum(each.jerk is not None for each in channels),
    }
    limited = ", ".join(f"{name} of {count} channels" for name, count in counts.items() if count)
    rules = [name for name in ("saturation", "chatter", "tracking") if getattr(bundle, name) is not None]
    yield "refused where it isn't finite" + "".join(f", or by {each}" for each in (limited, *rules) if each)
    first, (k, n) = bundle.refusals.in_a_row, bundle.refusals.of_last
    yield f"repeated refusals: {first} in a row, or {k} of the last {n}"


def _record(bundle: Bundle) -> str:
    size = record_bytes(monitored(bundle))
    guessed = (
        ""
        if size == stated_bytes(bundle)
        else ", with 4 MiB for each tensor of a free size (largest_record of the configuration says better)"
    )
    slots = arena_slots(size)
    way = f"through shared memory, {slots} slots" if slots else "in its message"
    return f"{size} bytes of one item, {way}{guessed}"
