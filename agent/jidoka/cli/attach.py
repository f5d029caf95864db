"""`jidoka attach`: start a Python application whose onnxruntime sessions are watched, without a change to it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
from jidoka_bridge.errors import ConfigurationError, RefusedError

from jidoka.cli.asking import FILE
from jidoka.cli.plan_files import read_or_compile

COMMAND = "jidoka.attach.command"


class Attach(click.Command):
    """What stands behind `--` is the application's, whatever it looks like."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own, words = args, args[:0]
        if "--" in args:
            own, words = args[: args.index("--")], args[args.index("--") + 1 :]
        ctx.meta[COMMAND] = words
        return super().parse_args(ctx, own)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "--", "COMMAND [ARGUMENTS]..."]


@click.command("attach", cls=Attach)
@click.argument("configuration", type=FILE, required=False)
@click.option("--plan", "plan_file", type=FILE, metavar="PLAN", help="Take models and socket from a compiled plan.")  # fmt: skip
@click.option("--model", metavar="ID", help="The application's only model; without it each session's is found by the SHA-256 of its file.")  # fmt: skip
@click.option("--socket", "tap_socket", type=FILE, metavar="PATH", help="The monitor's tap socket.")
@click.option("--no-children", is_flag=True, help="Leave the processes that the application starts alone.")
@click.pass_context
def command(
    context: click.Context,
    /,
    *,
    configuration: Path | None,
    plan_file: Path | None,
    model: str | None,
    tap_socket: Path | None,
    no_children: bool,
) -> None:
    """Start a Python application with its onnxruntime sessions watched. The application isn't changed.

    CONFIGURATION is the device's YAML file; with it or --plan the models are known, and sessions of other files are
    left alone. Without, the monitor is asked for each.

    No gate: the application gets its outputs at once, and nothing is ever refused. For that, and to name the part that
    a record belongs to, the application calls jidoka_tap.watch itself; a session that it watches is left to it.

    The application runs in the place of this program, with its own interpreter (Python 3.8 or newer, with numpy and
    onnxruntime) and its own packages; signals and exit code are its own. A shell script as the command works, and so do
    `python -m` and `-c`; Python's options -I, -E and -S keep the hook out. If anything fails in the hook, the
    application says one line and runs as without.

    \b
    Examples:
        jidoka attach line7.yaml -- python inspect.py --camera 0
        jidoka attach --plan /var/lib/jidoka/plan.json --no-children -- ./start-inspection.sh
        jidoka attach --model surface-inspection -- /opt/app/venv/bin/python -m inspection

    Where only the tap is installed, in a container: python -m jidoka_tap.attach (docs/containers.md).
    """
    _prefer_own_packages()
    from jidoka_tap.attach.launch import closed_to_hook, start
    from jidoka_tap.attach.settings import Settings, by_digest, is_attached

    words: list[str] = context.meta[COMMAND]
    if not words:
        raise click.UsageError(
            "give the application's command behind `--`, such as: -- python app.py", context
        )
    if configuration is not None and plan_file is not None:
        raise click.UsageError("Give a CONFIGURATION or --plan, not both.", context)
    why_not = closed_to_hook(words, os.environ.get("PATH", os.defpath))
    if why_not:
        raise click.UsageError(why_not, context)
    if is_attached(os.environ):
        raise RefusedError(
            "this environment is attached already: the application's records would come twice",
            "Take the inner `jidoka attach` away, or give the outer one --no-children.",
        )
    source = configuration or plan_file
    settings = Settings(model or "", None, str(tap_socket) if tap_socket else None, not no_children)
    if source is not None:
        plan = read_or_compile(source)
        models = plan.sections["models"]
        if model is not None and model not in models:
            raise ConfigurationError(
                f"{source}: there is no model {model!r}", f"It has: {', '.join(models)}."
            )
        settings = settings._replace(
            models=by_digest((name, section["sha256"]) for name, section in models.items()),
            socket=settings.socket or str(plan.tap_socket),
        )
    try:
        start(words, settings, os.environ)
    except ValueError as error:
        raise click.UsageError(f"{error}.", context) from None
    except OSError as error:
        raise click.UsageError(f"{words[0]} can't be started: {error.strerror}.", context) from None


def _prefer_own_packages() -> None:
    """PYTHONPATH may be meant for the application, and hold the packages of another Python than this one."""
    theirs = {os.path.realpath(each) for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each}
    sys.path.sort(key=lambda each: os.path.realpath(each) in theirs)
