"""What the acting commands share: which plan, which steward, one request and its answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from jidoka_bridge import plan as plans
from jidoka_bridge.messages import Kind
from jidoka_bridge.plan import Plan

DEFAULT_PLAN = "/etc/jidoka/plan.json"
_F = TypeVar("_F", bound=Callable[..., Any])


def plan_options(function: _F) -> _F:
    """The options --plan and --config of a command that talks to a running device."""
    plan = click.option(
        "--plan", "plan_file", type=click.Path(path_type=Path), envvar="JIDOKA_PLAN", default=DEFAULT_PLAN,
        show_default=True, help="The plan that the programs run; also from the environment, JIDOKA_PLAN.",
    )  # fmt: skip
    config = click.option(
        "--config",
        "config_file",
        type=click.Path(path_type=Path),
        help="The configuration, instead of the plan.",
    )
    return plan(config(function))


def person_options(function: _F) -> _F:
    """The options --role and --person of a command that acts."""
    role = click.option("--role", default="operator", show_default=True, help="In which role you act.")
    person = click.option(
        "--person", default="local", show_default=True, help="Your pseudonym of this shift."
    )
    return role(person(function))


def load_plan(plan_file: Path, config_file: Path | None = None) -> Plan:
    """The plan, compiled first if a configuration is given. Raises ConfigurationError."""
    if config_file is None and plan_file.suffix == ".json":
        return plans.load(plan_file)
    from jidoka.config.compile import compile_plan

    return compile_plan(config_file or plan_file)


def ask_steward(plan: Plan, kind: Kind, body: dict[str, Any]) -> dict[str, Any]:
    """One request and the value of its answer. Raises NotRunningError or RefusedError with the guard's own words."""
    from jidoka.steward.client import ask

    return ask(plan.steward_socket, kind, body)


def print_done(as_json: bool, text: str, body: dict[str, Any]) -> None:
    """One sentence, or the same as JSON for scripts."""
    click.echo(json.dumps({"ok": True, **body}) if as_json else text)
