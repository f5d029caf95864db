"""Users as a configuration names them: a name of this machine, or a number, held as the number that the kernel tells."""

from __future__ import annotations

import pwd
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from jidoka.config.faults import UnfitError, near, shown

#: the kernel's (uid_t)-1 is nobody, by chown(2) "leave it"
MOST_USER_ID = 2**32 - 2


@dataclass(frozen=True)
class User:
    """Marks a field as a user, held as its number."""

    def read(self, value: Any) -> int:
        """The number of a user. Raises UnfitError for a name that this machine doesn't know, and for no user at all."""
        if isinstance(value, str) and not value.isdecimal():
            return _number_of(value)
        number = int(value) if isinstance(value, str) else value
        if not isinstance(number, int) or isinstance(number, bool):
            raise UnfitError(f"{shown(value)} isn't a user", "Write a user's name or number.")
        if not 0 <= number <= MOST_USER_ID:
            raise UnfitError(f"{shown(value)} is no user's number", f"Use 0 to {MOST_USER_ID}.")
        return number

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        del source, handler
        return core_schema.no_info_plain_validator_function(self.read)


def _number_of(name: str) -> int:
    try:
        return pwd.getpwnam(name).pw_uid
    except (KeyError, ValueError):  # ValueError: a NUL in it
        known = [each.pw_name for each in pwd.getpwall()]
        guess = near(name, known)
        raise UnfitError(
            f"{shown(name)} is no user of this machine",
            f"{guess} " * guess.startswith("Did")
            + "Write the number of a user that only a container or the device has.",
        ) from None
