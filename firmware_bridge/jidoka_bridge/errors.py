"""What may go wrong for a user, as classes: each names the cause, the place and the remedy.

Programs raise these; the command line turns the class into an exit code (`jidoka.cli.exit_codes`).
Anything else that escapes is a bug and may show a traceback.
"""

from __future__ import annotations


class PlainError(Exception):
    """A user's mistake or a fault of the surroundings, told in plain words.

    what: one sentence saying what is wrong (with file:line:column where there is one).
    remedy: one sentence saying what to do; may be empty where nothing can be done.
    """

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}\n  {self.remedy}" if self.remedy else self.what


class ConfigurationError(PlainError):
    """A configuration, plan or register file is wrong."""


class ModelError(PlainError):
    """A model, bundle or manifest is missing, damaged or doesn't fit."""


class InputError(PlainError):
    """Input data (an image, a folder, a record) can't be used."""


class BaselineError(PlainError):
    """A baseline is missing, belongs to something else, or can't keep its budget."""


class LinkError(PlainError):
    """The serial port or the PLC behind it can't be used."""


class BrokerError(PlainError):
    """The MQTT broker can't be reached or refuses."""


class LedgerError(PlainError):
    """The ledger is damaged or can't be written."""


class RefusedError(PlainError):
    """The request was understood and refused (role, revision, state)."""


class NotRunningError(PlainError):
    """A program that is needed isn't running."""
