"""Users: a name is looked up on this machine, a number is taken as it is, anything else is refused with what would do."""

from __future__ import annotations

import os
import pwd

import pytest
from jidoka.config.faults import UnfitError
from jidoka.config.users import MOST_USER_ID, User


def test_every_user_of_this_machine_is_known_by_name_and_by_number() -> None:
    for each in pwd.getpwall():
        assert User().read(each.pw_name) == pwd.getpwnam(each.pw_name).pw_uid
        assert User().read(each.pw_uid) == each.pw_uid
    assert User().read(str(os.getuid())) == os.getuid()


@pytest.mark.parametrize("value", [0, 1000, MOST_USER_ID, "4711"])
def test_a_number_needs_no_user_here(value: int | str) -> None:
    assert User().read(value) == int(value)


@pytest.mark.parametrize(
    "value", ["", "nul\0", "no such user", "rooot", 1.0, None, True, [1], {"a": 1}, -1, MOST_USER_ID + 1]
)
def test_anything_else_is_refused_with_what_would_do(value: object) -> None:
    with pytest.raises(UnfitError) as caught:
        User().read(value)
    assert caught.value.remedy.startswith(("Write", "Use 0 to", "Did you mean 'root'?"))
    assert "number" in caught.value.remedy or "Use 0 to" in caught.value.remedy


def test_a_name_that_is_nearly_one_is_guessed() -> None:
    with pytest.raises(UnfitError) as caught:
        User().read("rooot")
    assert "Did you mean 'root'?" in caught.value.remedy
