"""What only shows across settings: each rule is a function of the whole case, and `CHECKS` is the table of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jidoka_bridge.errors import LinkError
from jidoka_bridge.guard.causes import BUILT_IN

from jidoka.config.alarm_checks import ALARM_CHECKS
from jidoka.config.broker_checks import BROKER_CHECKS
from jidoka.config.case import Case, Found
from jidoka.config.command_key_checks import COMMAND_KEY_CHECKS
from jidoka.config.faults import near
from jidoka.config.known_answers import KNOWN_ANSWER_CHECKS
from jidoka.config.link import link_of
from jidoka.config.located import Fault
from jidoka.config.model_checks import MODEL_CHECKS
from jidoka.config.risk_checks import RISK_CHECKS
from jidoka.config.salvage import Unknown
from jidoka.config.schema import PlcSettings
from jidoka.config.schema.plc import is_address
from jidoka.host.sources import spelling

#: the kernel's limit for the path of a Unix socket
MAX_SOCKET_PATH = 107
#: the longest path that a program makes below run_dir
LONGEST_SOCKET = "private/guard-monitor.sock"


def ids_are_unique(case: Case) -> Found:
    """No two models, and no two risks, have one id; no risk takes that of a cause of the guard's own."""
    tables: tuple[tuple[str, list[Any]], ...] = (("models", case.config.models), ("risks", case.config.risks))
    for name, rows in tables:
        seen: dict[str, int] = {}
        for index, row in enumerate(rows):
            if not isinstance(row.id, str):
                continue
            if row.id in seen:
                line = case.document.place_of_value((name, seen[row.id], "id")).line
                problem = f"{row.id!r} is the id of another one, in line {line}"
                yield case.fault((name, index, "id"), problem, "Give each an id of its own.")
            seen.setdefault(row.id, index)
    for index, risk in enumerate(case.config.risks):
        if risk.id in {each.id for each in BUILT_IN}:
            problem = f"{risk.id!r} is the id of one of the guard's own causes"
            yield case.fault(("risks", index, "id"), problem, "Give it another one, such as R-01.")


def modes_fit_the_plc(case: Case) -> Found:
    """observe and enforce need a PLC; a PLC that no model uses is an option that nobody reads."""
    modes = [row.mode for row in case.config.models]
    if case.config.plc is None:
        for index, mode in enumerate(modes):
            if mode in {"observe", "enforce"}:
                problem = f"{mode} needs a PLC, and there is no `plc:`"
                yield case.fault(
                    ("models", index, "mode"), problem, "Add `plc:` with its port, or set mode: none."
                )
    elif modes and all(mode == "none" for mode in modes):
        yield case.fault(
            ("plc",), "no model uses it: every mode is none", "Remove `plc:`, or set mode: observe."
        )


def the_host_has_work(case: Case) -> Found:
    """The host runs one of the file's models, from a source that exists."""
    host = case.config.host
    if host is None:
        return
    if host.model is None and len(case.model_ids) > 1:
        yield case.fault(("host", "model"), "is missing: there are several models", near("", case.model_ids))
    elif isinstance(host.model, str) and host.model not in case.model_ids:
        yield case.fault(
            ("host", "model"), f"{host.model!r} isn't one of the models", near(host.model, case.model_ids)
        )
    if isinstance(host.source, str):
        problem = spelling.missing(host.source, case.base_dir)
        if problem is not None:
            yield case.fault(
                ("host", "source"),
                f"{host.source!r} {problem}",
                "Write `renderer`, a folder, watch:DIR, a table such as states.csv, /dev/videoN or rtsp://….",
            )
        if isinstance(host.move_to, str) and not host.source.startswith(spelling.WATCH):
            yield case.fault(
                ("host", "move_to"),
                "files are moved from a watched folder only",
                "Write `source: watch:DIR`, or remove it.",
            )


def sockets_have_room(case: Case) -> Found:
    """The kernel takes no longer path for a socket."""
    if isinstance(case.config.run_dir, str):
        length = len(str(case.path(case.config.run_dir).absolute() / LONGEST_SOCKET).encode())
        if length > MAX_SOCKET_PATH:
            problem = f"a socket below it has a path of {length} bytes, {MAX_SOCKET_PATH} are the most"
            yield case.fault(("run_dir",), problem, f"Make it {length - MAX_SOCKET_PATH} bytes shorter.")


def port_fits_the_transport(case: Case) -> Found:
    """Modbus TCP goes to a numeric address; a serial line has a path."""
    plc = case.config.plc
    if (
        not isinstance(plc, PlcSettings)
        or not isinstance(plc.port, str)
        or isinstance(plc.transport, Unknown)
    ):
        return
    is_tcp = plc.transport == "modbus-tcp"
    if is_tcp and not is_address(plc.port):
        problem = (
            f"{plc.port} is no numeric address, which modbus-tcp needs (a name would have to be looked up)"
        )
        yield case.fault(("plc", "port"), problem, "Write it as 192.168.1.10:502.")
    elif not is_tcp and is_address(plc.port):
        problem = f"{plc.port} is an address, and transport is rtu, a serial line"
        yield case.fault(("plc", "port"), problem, "Set transport: modbus-tcp, or name the serial port.")


def link_times_fit_the_baud_rate(case: Case) -> Found:
    """The beat leaves time for request and answer, and the hold time fits its field on the wire."""
    plc = case.config.plc
    if not isinstance(plc, PlcSettings) or any(isinstance(value, Unknown) for value in vars(plc).values()):
        return
    try:
        link_of(plc)
    except LinkError as error:
        yield case.fault(
            ("plc", "beat") if plc.beat is not None else ("plc", "baud"), error.what, error.remedy
        )


#: the models' come first: the bundles that they load are used by those of the risks
CHECKS: tuple[Callable[[Case], Found], ...] = (
    *MODEL_CHECKS,
    ids_are_unique,
    modes_fit_the_plc,
    *RISK_CHECKS,
    *KNOWN_ANSWER_CHECKS,
    *ALARM_CHECKS,
    *BROKER_CHECKS,
    *COMMAND_KEY_CHECKS,
    the_host_has_work,
    sockets_have_room,
    port_fits_the_transport,
    link_times_fit_the_baud_rate,
)


def run(case: Case) -> list[Fault]:
    """Every fault that every check finds."""
    return [fault for check in CHECKS for fault in check(case)]
