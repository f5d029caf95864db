"""`jidoka status`: the interlock, what a reset lacks, alarms with what to do, models, ledger, broker, programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jidoka.cli.asking import ask_steward, load_plan, plan_options

if TYPE_CHECKING:
    from jidoka_bridge.plan import Plan
    from rich.console import Group, RenderableType
    from rich.table import Table

STATE_STYLES: dict[str, str] = {
    "RUN": "bold black on green3",
    "ADVISE": "bold black on yellow3",
    "FALLBACK": "bold black on dark_orange",
    "HOLD": "bold white on red3",
    "LOCKOUT": "bold white on red3",
    "OVERRIDE": "bold white on magenta",
    "START_UP": "bold black on grey70",
}
OFFERS: dict[str, str] = {
    "run": "Ready: press and release the reset button → RUN.",
    "proving": "Ready: press and release the reset button → a proving run (parts count as not inspected).",
    "fallback": "Ready: press and release the reset button → FALLBACK, not RUN.",
}
ALARM_STYLES: dict[str, str] = {"B": "bold red", "C": "red", "D": "bold yellow", "L": "yellow"}


@click.command("status")
@click.option(
    "--json", "as_json", is_flag=True, help="Print everything the steward knows as one JSON object."
)
@plan_options
def command(as_json: bool, plan_file: Path, config_file: Path | None) -> None:
    """Show the interlock, alarms, models and connections of this device.

    Asks the running steward; the plan says where it listens.

    \b
    Example:
        jidoka status --plan /var/lib/jidoka/plan.json
        jidoka status --json | jq .interlock.state
    """
    import json

    from jidoka_bridge.messages import Kind

    plan = load_plan(plan_file, config_file)
    value = ask_steward(plan, Kind.ASK, {"what": "status"})
    value["commissioning"] = _commissioning(plan)
    if as_json:
        click.echo(json.dumps(value, indent=2, ensure_ascii=False))
        return
    from rich.console import Console

    Console(highlight=False).print(screen(value))


def _commissioning(plan: Plan) -> list[str]:
    """What was probed and drilled at this machine, by whom, how long ago; nothing where there is no PLC."""
    import time

    from jidoka_bridge.errors import ConfigurationError

    from jidoka.commissioning.ages import commissioning_lines
    from jidoka.commissioning.records import entries

    if plan.link is None:
        return []
    try:
        return [line.strip() for line in commissioning_lines(entries(plan.state_dir), time.time())]
    except ConfigurationError as error:
        return [error.what]


def screen(value: dict[str, Any]) -> Group:
    """The whole screen."""
    from rich.console import Group
    from rich.text import Text

    from jidoka.cli import model_state

    parts: list[RenderableType] = [_interlock(value), _alarms(value["alarms"])]
    if value.get("withheld"):
        parts.append(_silent(value["withheld"]))
    if value["sort_again"]:
        parts.append(_sort_again(value["sort_again"]))
    if value["models"]:
        parts.append(_models(value["models"], value["now_ns"]))
    parts += [Text(line, "yellow") for line in model_state.lines(value)]
    parts.append(_connections(value))
    return Group(*parts)


def _interlock(value: dict[str, Any]) -> RenderableType:
    from rich.panel import Panel
    from rich.text import Text

    interlock, device = value["interlock"], value["device"]
    state = interlock["state"] if interlock["known"] else "UNKNOWN"
    text = Text()
    text.append(f"  {state.replace('_', '-')}  ", STATE_STYLES.get(state, "bold black on grey70"))
    if interlock["proving"]:
        text.append("  proving run", "bold dark_orange")
    if not interlock["known"]:
        text.append(f"  the guard isn't running; last heard of: {interlock['state']}", "bold red")
    text.append(f"   M {_on(interlock['m'])}   A {_on(interlock['a'])}   word {interlock['word']}")
    if interlock["since_ns"] and interlock["known"]:
        text.append(f"   for {_span(value['now_ns'] - interlock['since_ns'])}")
    observed = [each["id"] for each in value.get("modes") or [] if each.get("planned") != "enforce"]
    if interlock["plc"] and observed:
        text.append(
            f"\nobserve: nothing is permitted; the state is what it would be ({', '.join(observed)})",
            "bold yellow",
        )
    if interlock["first_out"]:  # why the state stands, before what happened since
        why = next((each["text"] for each in value["alarms"] if each["id"] == interlock["first_out"]), "")
        text.append("\nfirst out: ", "dim").append(
            f"{interlock['first_out']}{': ' if why else ''}{why}", "bold"
        )
    if interlock["text"]:
        text.append("\nlast event: ", "dim").append(interlock["text"])
    plc = interlock["plc"]
    if plc:
        link = "up" if plc["link_up"] else "DOWN"
        inputs = ", ".join(name.lower().replace("_", " ") for name in plc["inputs"]) or "none"
        text.append(
            f"\nPLC: link {link}, {plc['state'].lower()}, fault {plc['fault'].lower()}, output {plc['actual']}, "
            f"parts {plc['part_count']}, inputs: {inputs}",
            "dim",
        )
    is_offered = interlock["known"] and interlock["offer"] in OFFERS
    if is_offered:  # before what is lacking: a press moves the machine now, though not to RUN
        text.append(f"\n{OFFERS[interlock['offer']]}", "bold green")
    for lack in value["missing"]:
        text.append("\nRUN lacks: " if is_offered else "\nreset lacks: ", "yellow").append(str(lack))
    return Panel(text, title=f"{device['site']} / {device['line']} / {device['device']}", title_align="left")


def _alarms(alarms: list[dict[str, Any]]) -> RenderableType:
    from rich.text import Text

    if not alarms:
        return Text("No alarms.", "green")
    table = _table("", "alarm", "state", "what to do")
    for alarm in alarms:
        style = ALARM_STYLES.get(alarm["state"], "")
        times = f" ×{alarm['count']}" if alarm["count"] > 1 else ""
        table.add_row(
            Text(alarm["priority"][:1].upper(), style),
            Text.assemble((alarm["text"] or alarm["id"], style), (f"\n{alarm['id']}{times}", "dim")),
            Text.assemble(
                (alarm["state"], style), f" {alarm['letter meaning']}\nrevision {alarm['revision']}"
            ),
            alarm["remedy"],
        )
    return table


def _silent(alarms: list[dict[str, Any]]) -> RenderableType:
    from rich.text import Text

    told = ", ".join(f"{each['id']} ({each['letter meaning']})" for each in alarms)
    return Text(f"silent    {told}; who, why, until when: jidoka alarm list", "dim")


def _sort_again(items: list[dict[str, Any]]) -> RenderableType:
    table = _table("sort again", "parts", "likely since", "because of")
    for item in items:
        low, high = item["interval"]
        table.add_row(
            item["model"],
            f"{item['first_part']}–{item['last_part']} ({item['parts']})",
            f"part {low}–{high}",
            item["condition"],
        )
    return table


def _models(models: dict[str, dict[str, Any]], now_ns: int) -> RenderableType:
    table = _table("model", "records", "verdicts", "conditions", "statistic")
    for name, summary in models.items():
        verdicts = summary.get("verdicts") or {}
        conditions = summary.get("conditions") or {}
        statistic = summary.get("statistic") or {}
        table.add_row(
            f"{name}\n{_span(now_ns - int(summary.get('ns') or now_ns))} ago",
            f"{summary.get('records', 0)} ({_number(summary.get('rate_hz'))}/s)\n"
            f"lost {summary.get('lost', 0)}, refused {summary.get('refused', 0)}",
            "\n".join(f"{count} {word}" for word, count in verdicts.items()),
            "\n".join(f"{_short(condition, name)}: {word}" for condition, word in conditions.items()),
            f"log {_number(statistic.get('log'))}\nlimit {_number(statistic.get('limit_log'))}",
        )
    return table


def _connections(value: dict[str, Any]) -> RenderableType:
    from rich.text import Text

    ledger, mqtt = value["ledger"], value["mqtt"]
    text = Text()
    programs = ", ".join(
        f"{name} {'here' if is_here else 'AWAY'}" for name, is_here in value["programs"].items()
    )
    text.append("programs  ", "dim").append(programs)
    text.append("\nledger    ", "dim").append(
        f"{ledger['entries']} entries, {ledger['bytes']} bytes, {ledger['file']}"
    )
    if ledger.get("limit_bytes"):
        text.append(
            f"\n          {_size(ledger['disk_bytes'])} of {_size(ledger['limit_bytes'])} on the disk, "
            f"{_size(ledger['history_bytes'])} of it may go, {ledger['removed']} entries went since the start"
        )
    if ledger.get("why_not_removed"):
        text.append(f"\n          history can't be removed: {ledger['why_not_removed']}", "yellow")
    if ledger["error"]:
        text.append(f"\n          NOT RECORDING: {ledger['error']}\n          {ledger['remedy']}", "bold red")
    text.append("\nbroker    ", "dim")
    if mqtt["broker"] is None:
        text.append("none configured")
    else:
        waiting = ", ".join(_waiting(mqtt, lane) for lane, count in mqtt["backlog"].items() if count)
        spoken = ", ".join(filter(None, (mqtt["protocol"], mqtt.get("tls"))))
        link = f"connected ({spoken})" if mqtt["connected"] else "NOT CONNECTED"
        place = f" (broker {mqtt['rank'] + 1} of {mqtt['of']})" if mqtt.get("of", 1) > 1 else ""
        text.append(f"{mqtt['broker']}{place} {link}, {mqtt['published']} told, waiting: {waiting or 'none'}")
    if mqtt["error"]:
        text.append(f"\n          {mqtt['error']}\n          {mqtt['remedy']}", "yellow")
    if mqtt.get("certificate"):
        text.append("\n          ").append(*_certificate(mqtt["certificate"]))
    clock = value.get("clock") or {}
    if clock.get("error"):
        text.append("\nclock     ", "dim").append(f"{clock['error']}\n          {clock['remedy']}", "yellow")
    for line in value.get("commissioning", ()):
        text.append("\nmachine   ", "dim").append(line)
    if value["metrics"]:
        text.append("\nmetrics   ", "dim").append(
            f"http://{value['metrics']['host']}:{value['metrics']['port']}/metrics"
        )
    return text


def _certificate(ends: dict[str, Any]) -> tuple[str, str]:
    """The line of the certificate that ends first, and its style."""
    days = float(ends["days_left"])
    if days < 0:
        return f"the certificate {ends['name']} ended on {ends['ends']}", "bold red"
    style = "bold red" if days <= 7 else "yellow" if days <= 30 else "dim"
    return f"the first certificate to end, {ends['name']}: {ends['ends']}, in {days:.0f} days", style


def _table(*columns: str) -> Table:
    from rich.box import SIMPLE
    from rich.table import Table

    table = Table(box=SIMPLE, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column)
    return table


def _short(condition: str, model: str) -> str:
    return condition.removeprefix(f"{model}:")


def _on(is_on: bool) -> str:
    return "on" if is_on else "off"


def _number(value: Any) -> str:
    return "–" if value is None else f"{value:.1f}"


def _waiting(mqtt: dict[str, Any], lane: str) -> str:
    """`20 alarm (9 kB, oldest 3 min)`."""
    size = _size((mqtt.get("backlog_bytes") or {}).get(lane, 0))
    oldest = _span(round(1e9 * (mqtt.get("oldest_s") or {}).get(lane, 0.0)))
    return f"{mqtt['backlog'][lane]} {lane} ({size}, oldest {oldest})"


def _size(size_bytes: int) -> str:
    for limit, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size_bytes >= limit:
            return f"{size_bytes / limit:.1f} {unit}"
    return f"{size_bytes} B"


def _span(span_ns: int) -> str:
    seconds = max(0, span_ns) / 1e9
    for limit, unit, size in ((120, "s", 1), (7200, "min", 60), (172800, "h", 3600)):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"
