"""What the acting commands share: which plan, which steward, one request and its answer."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from jidoka_bridge.errors import ConfigurationError
from jidoka_bridge.messages import Kind
from jidoka_bridge.plan import Plan
from jidoka_bridge.roles import ROLES

from jidoka.cli.plan_files import PLAN_NAME, is_compiled, read_or_compile

#: a file that the user names: whether it is one, and may be read, is said by whoever reads it, with a remedy
FILE = click.Path(readable=False, path_type=Path)
#: what `jidoka run` writes where the configuration names no state_dir
DEFAULT_PLAN = f"/var/lib/jidoka/{PLAN_NAME}"
HOW_TO_NAME_A_PLAN = (
    "Name the plan that the programs run with --plan PLAN or export JIDOKA_PLAN=PLAN (jidoka run writes it to "
    f"STATE_DIR/{PLAN_NAME}), or their configuration with --config FILE."
)
_F = TypeVar("_F", bound=Callable[..., Any])


def plan_options(function: _F) -> _F:
    """The options --plan and --config of a command that talks to a running device."""
    plan = click.option(
        "--plan", "plan_file", type=FILE, envvar="JIDOKA_PLAN", default=DEFAULT_PLAN,
        show_default=True, help="The plan that the programs run; also from the environment, JIDOKA_PLAN.",
    )  # fmt: skip
    config = click.option(
        "--config",
        "config_file",
        type=FILE,
        help="The configuration that it was made of, instead of the plan.",
    )
    return plan(config(function))


def person_options(function: _F) -> _F:
    """The options --role and --person of a command that acts."""
    role = click.option(
        "--role",
        type=click.Choice(ROLES),
        default="operator",
        show_default=True,
        help="In which role you act.",
    )
    person = click.option(
        "--person", default="local", show_default=True, help="Your pseudonym of this shift."
    )
    return role(person(function))


def load_plan(plan_file: Path, config_file: Path | None = None) -> Plan:
    """The plan, compiled first if a configuration is given. Raises ConfigurationError."""
    if config_file is not None:
        from jidoka.config.compile import compile_plan

        return compile_plan(config_file)
    if is_compiled(plan_file) and not os.path.lexists(plan_file):
        raise ConfigurationError(
            f"{plan_file}: can't read the plan: there is no such file", HOW_TO_NAME_A_PLAN
        )
    return read_or_compile(plan_file)


def ask_steward(plan: Plan, kind: Kind, body: dict[str, Any]) -> dict[str, Any]:
    """One request and the value of its answer. Raises NotRunningError or RefusedError with the guard's own words."""
    from jidoka.steward.client import ask

    return ask(plan.steward_socket, kind, body)


def print_done(as_json: bool, text: str, body: dict[str, Any]) -> None:
    """One sentence, or the same as JSON for scripts."""
    click.echo(json.dumps({"ok": True, **body}) if as_json else text)
