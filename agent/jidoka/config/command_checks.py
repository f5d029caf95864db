"""What must fit between a manifest's command, its channels, the limits set on it, and the inputs they look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jidoka.config.faults import near
from jidoka.config.located import Trail
from jidoka.config.manifest_checks import Case, Found, last_size
from jidoka.config.salvage import Unknown

LIMITS_OF_A_COMMAND = ("saturation", "chatter", "tracking")


def a_control_model_commands(case: Case) -> Found:
    """A control model has one command, and no model has two."""
    commands = case.outputs("command")
    if case.manifest.task == "control" and not commands and not case.is_role_unknown:
        yield case.fault(
            ("outputs",),
            "no output has the role command, a control model has one",
            "Give the role command to the output that drives the machine.",
        )
    for index, each in commands:
        if isinstance(each.shape, list) and last_size(each) is None:
            problem = "the last axis of a command is free, so nobody knows its channels"
            yield case.fault(("outputs", index, "shape"), problem, "Write how many entries it has.")
    for index, _ in commands[1:]:
        problem = f"{len(commands)} outputs have the role command, a model has one"
        yield case.fault(("outputs", index, "role"), problem, "Give the others the role other.")


def channels_fit_the_axis(case: Case) -> Found:
    """There is a channel for each entry of the last axis."""
    tables: tuple[tuple[str, Any], ...] = (
        ("inputs", case.manifest.inputs),
        ("outputs", case.manifest.outputs),
    )
    for table, tensors in tables:
        for index, each in enumerate(tensors):
            channels, at = each.channels, (table, index, "channels")
            if isinstance(channels, Unknown) or not channels or isinstance(each.shape, Unknown):
                continue
            if table == "outputs" and isinstance(each.role, str) and each.role != "command":
                problem = f"nobody would read them: the role is {each.role}"
                yield case.fault(at, problem, "Write role: command, or remove them.")
            size = last_size(each)
            if size is None and table == "inputs":
                problem = "the last axis is free, so nobody knows which entry is which"
                yield case.fault(at, problem, "Write the axis' size in `shape`, or remove them.")
            elif size not in {None, len(channels)}:
                problem = f"{len(channels)} channels for the {size} entries of the last axis"
                yield case.fault(at, problem, "Name one for each entry, in the model's order.")
            if table == "inputs" and isinstance(each.layout, str):
                yield case.fault(at, "a picture has a colour, no channels", "Remove `channels` or `layout`.")


def channel_limits_make_sense(case: Case) -> Found:
    """low is below high, and what is per second needs the time between two commands."""
    for at, each in enumerate(case.manifest.outputs):
        for index, channel in enumerate(each.channels):
            trail: Trail = ("outputs", at, "channels", index)
            low, high = channel.low, channel.high
            if isinstance(low, float | int) and isinstance(high, float | int) and low >= high:
                problem = f"{low:g} isn't below high, {high:g}"
                yield case.fault((*trail, "low"), problem, "Write the lowest and the highest command.")
            for name, limit in (("rate", channel.rate), ("jerk", channel.jerk)):
                if isinstance(limit, float | int) and case.manifest.period is None:
                    problem = "is per second, and there is no `period`"
                    remedy = "Add the time between two commands, such as `period: 20 ms`."
                    yield case.fault((*trail, name), problem, remedy)


def limits_of_a_command_have_one(case: Case) -> Found:
    """Saturation, chatter and tracking refuse a command; saturation is measured against its channels' limits."""
    limits, commands = case.manifest.limits, case.outputs("command")
    if isinstance(limits, Unknown):
        return
    for name in LIMITS_OF_A_COMMAND:
        if getattr(limits, name) is not None and not commands and not case.is_role_unknown:
            yield case.fault(
                ("limits", name),
                "nobody would read it: no output has the role command",
                "Give the role command to the output that drives the machine, or remove it.",
            )
    if limits.saturation is None or not commands or isinstance(commands[0][1].channels, Unknown):
        return
    if all(channel.low is None and channel.high is None for channel in commands[0][1].channels):
        yield case.fault(
            ("limits", "saturation"),
            "no channel of the command has low or high, so nothing can be at its limit",
            "Add them to the channels.",
        )


def tracking_finds_its_entries(case: Case) -> Found:
    """State and target are as many entries of monitored inputs."""
    tracking = case.manifest.limits.tracking
    if tracking is None or isinstance(tracking, Unknown) or not case.manifest.inputs:
        return
    inputs = {each.name: each for each in case.manifest.inputs if isinstance(each.name, str)}
    sides = (("state", tracking.state), ("target", tracking.target))
    for name, side in sides:
        if isinstance(side, Unknown) or not isinstance(side.input, str):
            continue
        at: Trail = ("limits", "tracking", name)
        found = inputs.get(side.input)
        if found is None:
            if len(inputs) == len(case.manifest.inputs):
                problem = f"{side.input!r} isn't an input"
                yield case.fault((*at, "input"), problem, near(side.input, inputs))
            continue
        if found.monitored is False:
            problem = f"{side.input!r} isn't monitored, so nobody would see it"
            yield case.fault((*at, "input"), problem, "Write `monitored: true` for that input.")
        size = last_size(found)
        for index, entry in enumerate(side.entries):
            if size is not None and entry >= size:
                problem = f"there is no entry {entry}, the last is {size - 1}"
                yield case.fault((*at, "entries", index), problem, "Entries are counted from 0.")
    state, target = tracking.state.entries, tracking.target.entries
    if isinstance(state, list) and isinstance(target, list) and len(state) != len(target):
        problem = f"{len(target)} entries, but the state has {len(state)}"
        yield case.fault(
            ("limits", "tracking", "target", "entries"), problem, "Name a target for each entry of the state."
        )


COMMAND_CHECKS: tuple[Callable[[Case], Found], ...] = (
    a_control_model_commands,
    channels_fit_the_axis,
    channel_limits_make_sense,
    limits_of_a_command_have_one,
    tracking_finds_its_entries,
)
