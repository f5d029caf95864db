"""`jidoka plc probe`: who answers on the line, what it is, how fast it is, and what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jidoka.cli.asking import FILE, person_options

if TYPE_CHECKING:
    from jidoka_bridge.plan import Link, Plan

    from jidoka.commissioning.probed import Probe

BAR = 40
GUARD_HAS_IT = (
    "A guard that runs has the port: `jidoka plc watch` shows what it sees. To probe, stop it first."
)


@click.command("probe")
@click.argument("configuration", type=FILE)
@click.option("--beats", type=click.IntRange(10, 10_000), default=100, show_default=True,
              help="So many beats are measured.")  # fmt: skip
@click.option(
    "--no-search", is_flag=True, help="Don't try other baud rates, parities and units where nobody answers."
)
@click.option("--save", is_flag=True, help="Keep what was measured, with your name; `jidoka plan` shows it.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@person_options
def command(
    *, configuration: Path, beats: int, no_search: bool, save: bool, as_json: bool, role: str, person: str
) -> None:
    """Look who answers on the line of CONFIGURATION, while no guard runs.

    All that is written is WITHHOLD: nothing can start. Shown are the function code, the PLC's version, register map,
    its own hold limit, longest scan and error counters, the round trips, and each thing that is wrong with its cause
    and remedy. Where nobody answers, other units, baud rates and parities are tried.

    \b
    Example:
      jidoka plc probe line7.yaml
      jidoka plc probe line7.yaml --save --role engineer --person e-3
    """
    from jidoka_bridge.errors import LinkError

    from jidoka.cli.plc_site import site_of
    from jidoka.commissioning.probe import probe
    from jidoka.exit_codes import code_of

    site = site_of(configuration)

    def tell(text: str) -> None:
        if not as_json:
            click.echo(f"… {text}", err=True)

    try:
        found = probe(site.line.link, site.line.answer_ms, search=not no_search, beats=beats, tell=tell)
    except LinkError as error:
        if "another program has it" in error.what:
            raise LinkError(error.what, GUARD_HAS_IT) from None
        raise
    if save and found.is_usable:
        _save(site.plan, found, role, person)
    if as_json:
        click.echo(json.dumps(_object(found), indent=1, ensure_ascii=False))
    else:
        click.echo("\n".join(_lines(found)))
    if not found.is_usable:
        raise click.exceptions.Exit(code_of(LinkError("")))


def _save(plan: Plan, found: Probe, role: str, person: str) -> None:
    from jidoka.commissioning.records import Entry, append, now_text

    entry = Entry("probe", now_text(), role, person, plan.digest, plan.map_digest, found.measured())
    append(plan.state_dir, entry)


def _object(found: Probe) -> dict[str, Any]:
    block_b, block_c = found.block_b, found.block_c
    return {
        "usable": found.is_usable,
        "function": found.function,
        "beats": found.beats,
        "lost": found.beats - len(found.rtts_ns),
        "answer_ms": found.answer_ms,
        "round_trips_ms": [round(each / 1e6, 3) for each in found.rtts_ns],
        "histogram": found.histogram(),
        "block_b": None if block_b is None else vars(block_b),
        "block_c": None if block_c is None else vars(block_c),
        "findings": [each._asdict() for each in found.findings],
    }


def _lines(found: Probe) -> list[str]:
    from jidoka_bridge.errors import told

    lines = [*_plc_lines(found), *_time_lines(found)]
    for each in found.findings:
        mark = "FAULT" if each.is_fault else "note "
        lines.append(f"{mark}  {told(each.text, each.remedy).replace(chr(10), chr(10) + '     ')}")
    if found.is_usable and found.is_slow:
        lines.append(
            f"Usable with function code {found.function}, but a stop may take longer than the plan says: mend it, or make the "
            "plan anew with these times."
        )
    elif found.is_usable:
        lines.append(f"Good: a guard can use this line with function code {found.function}.")
    return lines


def _plc_lines(found: Probe) -> list[str]:
    from jidoka.commissioning.probed import flags_text, version_text

    block_b, block_c = found.block_b, found.block_c
    lines = [f"Line     {found.link.port}, {_speed(found.link)}, unit {found.link.unit}"]
    if block_b is not None:
        inputs = ", ".join(
            flag.name.lower().replace("_", " ")
            for flag in type(block_b.inputs)
            if flag & block_b.inputs and flag.name
        )
        lines.append(
            f"PLC      {block_b.plc_state.name.lower()}, fault {block_b.fault.name.lower()}, output {block_b.actual.name}, "
            f"inputs: {inputs or 'none'}, recipe {block_b.recipe}"
        )
    if block_c is not None:
        refused = ", ".join(
            f"{name} {getattr(block_c, f'refused_{name}')}"
            for name in ("crc", "format", "connection", "number", "stamp")
        )
        rows = (
            (
                f"firmware {version_text(block_c.version)}, register map {block_c.map_digest:08x}, "
                f"own limit W {block_c.hold_limit_ms} ms, longest scan {block_c.longest_scan_ms} ms, "
                f"abilities: {flags_text(block_c.flags)}"
            ),
            (
                f"{block_c.part_count} parts, {block_c.parts_without_session} of them without a session, "
                f"{block_c.resets} resets, key used {block_c.key_times} times for {block_c.key_seconds} s"
            ),
            f"blocks refused so far: {refused}",
        )
        lines += [f"         {row}" for row in rows]
    return lines


def _speed(link: Link) -> str:
    return f"{link.baud} baud, parity {link.parity}" if link.transport == "rtu" else "Modbus TCP"


def _time_lines(found: Probe) -> list[str]:
    if not found.rtts_ns:
        return []
    ordered = sorted(found.rtts_ns)
    middle, high = ordered[len(ordered) // 2] / 1e6, ordered[int(len(ordered) * 0.99)] / 1e6
    summary = (
        f"Beats    {found.beats} with function code {found.function}, {found.beats - len(ordered)} lost; round trip "
        f"{ordered[0] / 1e6:.1f} to {ordered[-1] / 1e6:.1f} ms, middle {middle:.1f}, 99 % below {high:.1f}; "
        f"the PLC begins its answer after {found.answer_ms or 0:.1f} ms at most"
    )
    lines = [summary]
    most = max(count for _, count in found.histogram())
    for edge, count in found.histogram():
        lines.append(f"  up to {edge:>4} ms {count:>6}  {'█' * max(1, round(BAR * count / most))}")
    return lines
