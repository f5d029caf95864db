"""The command `jidoka`: a table of commands, each in a file of its own that is imported only when it is called."""

from __future__ import annotations

import os
import sys

import click
from jidoka_bridge.errors import PlainError, told

from jidoka import __version__
from jidoka.cli.lazy import LazyGroup, Row
from jidoka.exit_codes import EXIT_CODES, code_of

COMMANDS: tuple[Row, ...] = (
    Row("demo", "demo", "See it", "Play the whole story on this machine: no hardware, no broker, no configuration."),
    Row("validate", "validate", "Set it up", "Check a configuration; every fault is named with its line at once."),
    Row("model", "model", "Set it up", "Draft the manifest of a model file, and check a bundle."),
    Row("plan", "plan", "Set it up", "Compile a configuration into the plan that the programs load."),
    Row("baseline", "baseline", "Set it up", "Learn what the model's data look like when all is well, and show it."),
    Row("calibrate", "calibrate", "Set it up", "Fit the temperature that makes a classifier's confidence mean what it says."),
    Row("enroll", "enroll", "Set it up", "Make this device's key and certificate request, and install what comes back."),
    Row("guard", "guard", "Set it up", "Make the guard's latch file, or run the guard by itself."),
    Row("run", "run", "Run it", "Start and supervise steward, guard, monitor and host on this device."),
    Row("host", "host", "Run it", "Run a model bundle on a source, watched as any application would be."),
    Row("attach", "attach", "Run it", "Start a Python application with its onnxruntime sessions watched, unchanged."),
    Row("feed", "feed", "Run it", "Take records of a program that can't be changed from what it writes."),
    Row("plc", "plc", "Run it", "The PLC's side: handover, probe, watch, drill, arming report; a PLC in software."),
    Row("status", "status", "Look and act", "Show the interlock, alarms, models and connections of this device."),
    Row("ack", "ack", "Look and act", "Acknowledge an alarm with a reason."),
    Row("alarm", "alarm", "Look and act", "List alarms, shelve one, take one out of service, show what they ask of people."),
    Row("label", "label", "Look and act", "Say whether the model was right about a part, by hand or from a gauge's table."),
    Row("performance", "performance", "Look and act", "How often the model is right, by labels and by slices; budgets beside experience."),
    Row("record", "record", "Look and act", "Write down what the monitor gets, to replay it later."),
    Row("replay", "replay", "Look and act", "What another configuration or baseline would have made of a recording."),
    Row("hold", "hold", "Look and act", "Stop the machine: withdraw the permissive until somebody resets it."),
    Row("command", "command", "Look and act", "From elsewhere: make a key, sign a command, send it and see what came of it."),
    Row("unlock", "unlock", "Look and act", "End a LOCKOUT as the engineer, with a reason; it leads to HOLD only."),
    Row("trip", "trip", "Look and act", "What stopped the machine: every trip, and the whole account of one."),
    Row("ledger", "ledger", "Look and act", "Check and read the record of everything that happened."),
)  # fmt: skip


class Commands(LazyGroup):
    """The group behind `jidoka`; knows every command by the table alone, so that --help imports none of them."""

    rows = COMMANDS

    def invoke(self, ctx: click.Context) -> object:
        """As click does it, but a reader that has enough (`| head`) is no error."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(row.code), row.meaning) for row in EXIT_CODES])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="jidoka")
def jidoka() -> None:
    """Watch an AI model beside a machine, stop the machine when the model can't be trusted, call the operator.

    Start with `jidoka demo`. Then copy configs/visual-inspection.yaml, make it yours, and check it with
    `jidoka validate FILE`.
    """


def _plainly(error: click.ClickException) -> str:
    """What click can't understand, in the style of every other error: small after `error:`, a remedy on its own line."""
    text = error.format_message().strip()
    text = text[:1].lower() + text[1:] if text[1:2].islower() else text
    context = getattr(error, "ctx", None)
    return told(text, f"See: {context.command_path if context else 'jidoka'} --help")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; every user's mistake ends in one plain sentence and a code of the table."""
    try:
        outcome = jidoka.main(arguments, prog_name="jidoka", standalone_mode=False)
    except PlainError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(code_of(error))
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        click.echo(f"error: {_plainly(error)}", err=True)
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    sys.exit(outcome if isinstance(outcome, int) else 0)
