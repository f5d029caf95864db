"""`jidoka demo`: the main job on embedded defaults, told as a story."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from jidoka.demo.piece import Piece
    from jidoka.demo.play import Outcome, Screen
    from jidoka.demo.stage import Stage
    from jidoka.demo.terminal import Drawing

DEMO_FAILED = 12
#: how long the story waits for a person before it goes on by itself
PATIENCE_S = 3.5


@click.command("demo")
@click.argument("which", required=False, type=click.Choice(["arm"]))
@click.option(
    "--fast",
    is_flag=True,
    help="Play without pauses to read: the station in at most 25 s, the arm in about a minute.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object with each stage's time and figures."
)
@click.option("--plain", is_flag=True, help="Print lines instead of a live screen, as without a terminal.")
@click.option("--broker", type=click.Choice(["any", "mosquitto", "amqtt"]), default="any", show_default=True,
              help="Which MQTT broker to start.")  # fmt: skip
def command(which: str | None, fast: bool, as_json: bool, plain: bool, broker: str) -> int:
    """Play the whole story on this machine: no hardware, no broker, no configuration.

    Starts the real programs (monitor, guard, steward, model host), a PLC in software that speaks Modbus RTU over a
    pseudo-terminal, and an MQTT broker. Parts come down a line, a lamp fails, the machine is stopped, an operator
    is called, and the line runs again only after a person has pressed the button.

    With `arm` the model is a policy that moves a two-joint arm: a load that it was not trained for, an encoder that
    drifts, an observation that is no number; commands are refused before the arm gets them, and the policy is proven
    in the shadow while the arm moves under its own program.

    \b
    Keys in a terminal:
        r  press and release the reset button     a  acknowledge the alarm
        l  replace the lamp, mend the arm         k  turn the override key      q  end

    \b
    Example:
        jidoka demo
        jidoka demo --fast --json | jq .stages
        jidoka demo arm

    When nobody types, the story goes on by itself. Exit code 0 only if every stage really happened.
    """
    try:
        import onnxruntime  # noqa: F401
    except ImportError:
        raise click.UsageError(
            'the demonstration needs its extra (onnxruntime, amqtt). Install it: pip install "jidoka-edge[demo]"'
        ) from None
    from rich.console import Console

    from jidoka.demo.lines import Lines, Silent
    from jidoka.demo.play import play
    from jidoka.demo.terminal import Terminal

    console = Console()
    piece, drawing = _piece(which, fast)
    screen: Screen
    is_live = console.is_terminal and sys.stdin.isatty() and not plain
    if as_json:
        screen = Silent()
    elif is_live:
        screen = Terminal(console, drawing)
    else:
        screen = Lines(click.echo)

    def patience_s(stage: Stage) -> float:
        if fast:
            return 0.1
        return PATIENCE_S if is_live and stage.key else stage.pause_s

    try:
        outcome = play(screen, broker, patience_s, piece)
    finally:
        screen.close()
    if as_json:
        click.echo(json.dumps(outcome.as_json(), indent=1, default=_plain_number))
    else:
        _tell_outcome(outcome)
    return 0 if outcome.is_complete else DEMO_FAILED


def _piece(which: str | None, fast: bool) -> tuple[Piece, Drawing]:
    """The demonstration that was asked for, and how its screen is drawn."""
    if which == "arm":
        from jidoka.demo.arm.panels import draw as draw_arm
        from jidoka.demo.arm.piece import FAST_PACE, PACE, arm_piece

        return arm_piece(FAST_PACE if fast else PACE), draw_arm
    from jidoka.demo.panels import draw
    from jidoka.demo.piece import STATION

    return STATION, draw


def _tell_outcome(outcome: Outcome) -> None:
    click.echo()
    for told in outcome.stages:
        click.echo(f"  {told.at_s:6.1f} s  {told.stage.id:24} {told.text}")
    if outcome.failed:
        click.secho(f"  failed: {outcome.failed}", fg="red")
    click.echo(f"\n  recorded: {outcome.ledger.get('entries', 0)} ledger entries in {outcome.ledger_file}")
    for kind, count in (outcome.ledger.get("kinds") or {}).items():
        click.echo(f"    {count:6}  {kind}")
    click.echo(f"  a subscriber received {sum(outcome.topics.values())} messages by MQTT:")
    for topic, count in outcome.topics.items():
        click.echo(f"    {count:6}  {topic}")
    click.echo(f"\n  check the record yourself:  {outcome.check_command}\n")


def _plain_number(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)
