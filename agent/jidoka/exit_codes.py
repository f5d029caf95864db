"""Exit codes of every command: one table, also printed by `jidoka --help` and in docs/reference.md."""

from __future__ import annotations

from typing import NamedTuple

from jidoka_bridge import errors


class ExitCode(NamedTuple):
    """One row of the table."""

    code: int
    name: str
    error: type[Exception] | None
    meaning: str


EXIT_CODES: tuple[ExitCode, ...] = (
    ExitCode(0, "ok", None, "Done."),
    ExitCode(1, "bug", None, "An error of ours: please report it with what was printed."),
    ExitCode(2, "usage", None, "The command line can't be understood."),
    ExitCode(
        3, "configuration", errors.ConfigurationError, "A configuration, plan or register file is wrong."
    ),
    ExitCode(
        4, "model", errors.ModelError, "A model, bundle or manifest is missing, damaged or doesn't fit."
    ),
    ExitCode(5, "input", errors.InputError, "Input data can't be used: an image, a folder, a record."),
    ExitCode(
        6, "baseline", errors.BaselineError, "A baseline is missing, foreign, or can't keep its budget."
    ),
    ExitCode(7, "link", errors.LinkError, "The serial port or the PLC behind it can't be used."),
    ExitCode(8, "broker", errors.BrokerError, "The MQTT broker can't be reached or refuses."),
    ExitCode(9, "ledger", errors.LedgerError, "The ledger is damaged or can't be written."),
    ExitCode(
        10,
        "refused",
        errors.RefusedError,
        "The request was understood and refused, or another one of this program runs already.",
    ),
    ExitCode(11, "not running", errors.NotRunningError, "A program that is needed isn't running."),
    ExitCode(12, "demo", None, "A stage of the demonstration did not happen."),
    ExitCode(130, "interrupted", None, "Ended by Ctrl-C."),
)


def error_of(code: int) -> type[errors.PlainError]:
    """The class of errors that a program's exit code tells; NotRunningError for a code that tells none."""
    for row in EXIT_CODES:
        if row.code == code and row.error is not None and issubclass(row.error, errors.PlainError):
            return row.error
    return errors.NotRunningError


def code_of(error: BaseException) -> int:
    """The exit code for an exception: that of its nearest class in the table, else 1."""
    for row in EXIT_CODES:
        if row.error is not None and isinstance(error, row.error):
            return row.code
    return 1
