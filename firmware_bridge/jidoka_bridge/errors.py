"""What may go wrong for a user, as classes: each names the cause, the place and the remedy.

Programs raise these; the command line turns the class into an exit code (`jidoka.exit_codes`).
Anything else that escapes is a bug and may show a traceback.
"""

from __future__ import annotations

import re

#: `…: jidoka status`: a full stop would be copied with the command
COMMAND_AT_END = re.compile(r": (jidoka|pip|python) (?:[^.]|\.\S)*$")


class PlainError(Exception):
    """A user's mistake or a fault of the surroundings, told in plain words.

    what: one sentence saying what is wrong (with file:line:column where there is one).
    remedy: one sentence saying what to do; may be empty where nothing can be done.
    str() of it is how every program shows it: each a sentence with its full stop, the remedy on a line of its own.
    """

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return told(self.what, self.remedy)


def told(what: str, remedy: str = "") -> str:
    """Both as every program shows them: sentences, the remedy on a line of its own."""
    return f"{sentence(what)}\n  {sentence(remedy)}" if remedy else sentence(what)


def sentence(text: str) -> str:
    """The text with a full stop at its end; one that ends in a command, an address or another mark stays as it is."""
    return text if not text or text[-1] in ".!?…:" or COMMAND_AT_END.search(text) else f"{text}."


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
    """The request was understood and refused (role, revision, state, or it is being done already by another)."""


class NotRunningError(PlainError):
    """A program that is needed isn't running."""
