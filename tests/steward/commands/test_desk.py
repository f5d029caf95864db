"""Commands from elsewhere: what is followed, and that nothing mutated, replayed, retained, late or re-addressed is."""

from __future__ import annotations

import base64
import json
import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from jidoka.steward.commands.desk import (
    EVERY_NS,
    HOLD_EVERY_NS,
    MOST_AT_ONCE,
    Desk,
    Judged,
    Key,
)
from jidoka.steward.commands.inbox import Command
from jidoka.steward.commands.kinds import COMMANDS, MOST_BYTES, REMOTE
from jidoka.steward.commands.numbers import Numbers
from jidoka.steward.commands.signing import UnreadableError, order_of, read, sign

DEVICE = "aims/v1/plant/line/press"
NOW_S = 1_800_000_000.0
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))


def key_of(private: Ed25519PrivateKey, name: str = "shift", may: tuple[str, ...] = REMOTE) -> Key:
    return Key(name, private.public_key().public_bytes_raw(), frozenset(may))


def rfc3339(moment_s: float) -> str:
    return datetime.fromtimestamp(moment_s, timezone.utc).isoformat()


def payload(number: int = 1, command: str = "hold", **fields: Any) -> dict[str, Any]:
    return {
        "command": command, "device": DEVICE, "number": number, "issued": rfc3339(NOW_S - 1),
        "expires": rfc3339(NOW_S + 30), "arguments": {}, **fields,
    }  # fmt: skip


def message(number: int = 1, command: str = "hold", **fields: Any) -> bytes:
    return sign(PRIVATE, "shift", payload(number, command, **fields))


def respelled(data: bytes) -> bytes:
    """The same signature in other base64: the last letter before the padding has bits that nobody reads."""
    value = json.loads(data)
    text = value["signature"]
    other = chr(ord(text[-3]) + 1)
    assert base64.b64decode(text[:-3] + other + "==") == base64.b64decode(text)
    return json.dumps({**value, "signature": text[:-3] + other + "=="}).encode()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    keys = {"shift": key_of(PRIVATE), "auditor": key_of(OTHER, "auditor", ("report",))}
    return Desk(DEVICE, keys, Numbers(tmp_path / "commands.json"))


def judge(desk: Desk, data: bytes, name: str = "hold", now_ns: int = 10**9, **more: Any) -> Judged:
    command = Command(name, data, more.pop("is_retained", False))
    return desk.judge(command, **{"now_ns": now_ns, "wall_s": NOW_S, "is_clock_sure": True, **more})


@pytest.mark.parametrize("name", REMOTE)
def test_a_signed_command_in_time_is_followed_once(desk: Desk, name: str) -> None:
    data = message(5, name)
    first, again = judge(desk, data, name), judge(desk, data, name)
    assert (first.refused, first.order and first.order.number, first.key) == ("", 5, "shift")
    assert (again.kind, again.refused) == ("number", "number 5 was used: the last was 5")


@pytest.mark.parametrize("name", [row.name for row in COMMANDS if not row.is_allowed])
def test_what_raises_anything_is_refused_from_elsewhere_whoever_signed_it(desk: Desk, name: str) -> None:
    found = judge(desk, message(1, name), name)
    assert found.kind == "never"
    assert found.refused.startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("data", "name", "more", "kind"),
    [
        (b" " * (MOST_BYTES + 1), "hold", {}, "size"),
        (message(), "hold", {"is_retained": True}, "retained"),
        (b"{", "hold", {}, "unreadable"),
        (b"[" * 5000, "hold", {}, "unreadable"),
        (b'{"payload": "!", "key": "shift", "signature": ""}', "hold", {}, "unreadable"),
        (b'{"payload": "", "key": 5, "signature": ""}', "hold", {}, "unreadable"),
        (message().replace(b'=="', b'="', 1), "hold", {}, "unreadable"),
        (respelled(message()), "hold", {}, "unreadable"),
        (sign(PRIVATE, "nobody", payload()), "hold", {}, "key"),
        (sign(OTHER, "auditor", payload()), "hold", {}, "key"),
        (sign(OTHER, "shift", payload()), "hold", {}, "signature"),
        (message(), "dance", {}, "never"),
        (message(command="report"), "hold", {}, "target"),
        (message(device="aims/v1/plant/line/other"), "hold", {}, "target"),
        (message(expires=rfc3339(NOW_S - 1), issued=rfc3339(NOW_S - 30)), "hold", {}, "expiry"),
        (message(expires=rfc3339(NOW_S + 100)), "hold", {}, "expiry"),
        (message(issued=rfc3339(NOW_S + 10)), "hold", {}, "expiry"),
        (message(command="report"), "report", {"is_clock_sure": False}, "expiry"),
        (message(number=0), "hold", {}, "unreadable"),
        (message(number=True), "hold", {}, "unreadable"),
        (message(issued="2027-01-15T08:00:00"), "hold", {}, "unreadable"),
        (message(arguments=[]), "hold", {}, "unreadable"),
        (sign(PRIVATE, "shift", {}), "hold", {}, "unreadable"),
    ],
)
def test_each_fault_is_refused_by_its_kind(
    desk: Desk, data: bytes, name: str, more: dict[str, Any], kind: str
) -> None:
    found = judge(desk, data, name, **more)
    assert found.kind == kind
    assert found.refused
    assert not judge(desk, message(1)).refused, "it used nothing up"


def test_hold_works_by_a_clock_that_is_not_set_and_nothing_else_does(desk: Desk) -> None:
    late = message(1, expires=rfc3339(0), issued=rfc3339(0))
    assert judge(desk, late, wall_s=5.0, is_clock_sure=False).refused == ""
    assert judge(desk, message(2, "label"), "label", wall_s=5.0, is_clock_sure=False).kind == "expiry"


def test_one_key_asks_for_so_much_at_once_and_then_for_one_a_second_and_a_hold_finds_room_all_the_same(
    desk: Desk,
) -> None:
    kinds = [judge(desk, message(n, "report"), "report").kind for n in range(1, MOST_AT_ONCE + 3)]
    assert kinds == [""] * MOST_AT_ONCE + ["policy"] * 2
    assert judge(desk, message(100)).refused == "", "holds have an allowance of their own"
    assert judge(desk, message(101, "label"), "label").remedy == "Wait 1 s."
    assert judge(desk, sign(OTHER, "auditor", payload(1, "report")), "report").refused == ""
    assert judge(desk, message(102, "label"), "label", now_ns=10**9 + EVERY_NS).refused == ""
    assert judge(desk, message(103, "label"), "label", now_ns=10**9 + EVERY_NS).kind == "policy"


def test_one_key_holds_once_a_minute_at_most_and_another_one_is_not_kept_from_it(tmp_path: Path) -> None:
    keys = {"shift": key_of(PRIVATE), "aims": key_of(OTHER, "aims")}
    desk = Desk(DEVICE, keys, Numbers(tmp_path / "commands.json"))
    assert judge(desk, message(1), now_ns=0).refused == ""
    assert judge(desk, message(2), now_ns=HOLD_EVERY_NS - 1).kind == "policy"
    assert judge(desk, sign(OTHER, "aims", payload(1)), now_ns=HOLD_EVERY_NS - 1).refused == ""
    assert judge(desk, message(3), now_ns=HOLD_EVERY_NS).refused == ""


def test_numbers_outlive_a_restart_and_are_on_the_disk_before_anything_is_done(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    real = __import__("os").fsync
    monkeypatch.setattr("os.fsync", lambda descriptor: (synced.append(descriptor), real(descriptor))[1])
    assert judge(desk, message(7)).refused == ""
    assert len(synced) == 2, "the file, and its folder"
    again = Desk(DEVICE, desk.keys, Numbers(tmp_path / "commands.json"))
    assert judge(again, message(7)).kind == "number"
    assert judge(again, message(6)).kind == "number"
    assert judge(again, message(8)).refused == ""


def test_numbers_that_can_not_be_read_or_written_refuse_and_say_why(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("[1]")
    torn = Desk(DEVICE, desk.keys, Numbers(tmp_path / "bad.json"))
    assert "isn't a list of numbers" in judge(torn, message(1)).refused
    nowhere = Desk(DEVICE, desk.keys, Numbers(tmp_path / "missing" / "commands.json"))
    assert "can't be written" in judge(nowhere, message(1)).refused
    assert "can't be written" in judge(nowhere, message(1)).refused, "it wasn't used up"
    folder = Desk(DEVICE, desk.keys, Numbers(tmp_path))
    assert "can't be read" in judge(folder, message(1)).refused


def test_a_signature_over_the_payload_alone_is_none_over_a_command() -> None:
    body = json.dumps(payload()).encode()
    forged = {
        "payload": base64.b64encode(body).decode(), "key": "shift",
        "signature": base64.b64encode(PRIVATE.sign(body)).decode(),
    }  # fmt: skip
    keys = {"shift": key_of(PRIVATE)}
    desk = Desk(DEVICE, keys, Numbers(Path("/nonexistent/commands.json")))
    assert judge(desk, json.dumps(forged).encode()).kind == "signature"


Mutation = Callable[[random.Random, bytes], bytes]
MUTATIONS: dict[str, Mutation] = {
    "a bit": lambda rng, data: bytes(
        byte ^ (1 << rng.randrange(8) if at == place else 0) for place in [rng.randrange(len(data))] for at, byte in enumerate(data)
    ),
    "cut": lambda rng, data: data[: rng.randrange(len(data))],
    "doubled": lambda rng, data: data + data[: rng.randrange(1, len(data))],
    "payload": lambda rng, data: json.dumps(
        {**json.loads(data), "payload": base64.b64encode(json.dumps(payload(rng.randrange(1, 99))).encode()).decode()}
    ).encode(),
    "key": lambda rng, data: json.dumps({**json.loads(data), "key": rng.choice(["auditor", "x", "", "shift "])}).encode(),
}  # fmt: skip


def attack(desk: Desk, rounds: int, seed: int) -> Counter[str]:
    """Mutated, replayed, retained, expired and re-addressed commands after a good one: refusals by kind."""
    rng, found = random.Random(seed), Counter[str]()
    good = message(1000)
    assert judge(desk, good).refused == ""
    for _ in range(rounds):
        how = rng.choice([*MUTATIONS, "replay", "retained", "expired", "elsewhere", "other name"])
        data, name, more = good, "hold", {}
        if how in MUTATIONS:
            data = MUTATIONS[how](rng, message(rng.randrange(1001, 9999)))
            if data == message(1):
                continue
        elif how == "retained":
            data, more = message(rng.randrange(1001, 9999)), {"is_retained": True}
        elif how == "expired":
            past = NOW_S - rng.uniform(1, 1e6)
            data = message(rng.randrange(1001, 9999), issued=rfc3339(past - 30), expires=rfc3339(past))
        elif how == "elsewhere":
            data = message(rng.randrange(1001, 9999), device=f"{DEVICE}{rng.randrange(9)}")
        elif how == "other name":
            data, name = message(rng.randrange(1001, 9999)), rng.choice(["reset", "arm", "report", "label"])
        judged = judge(desk, data, name, now_ns=10**12, **more)
        assert judged.refused, (how, data)
        found[judged.kind] += 1
    return found


def test_no_mutated_replayed_retained_expired_or_readdressed_command_has_an_effect(desk: Desk) -> None:
    found = attack(desk, 3000, 11)
    assert set(found) >= {"unreadable", "signature", "number", "retained", "expiry", "target", "never", "key"}
    assert desk.numbers.last("shift") == 1000


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400), st.text(max_size=20))
def test_any_bytes_are_refused_and_nothing_else_happens(data: bytes, name: str) -> None:
    desk = Desk(DEVICE, {"shift": key_of(PRIVATE)}, Numbers(Path("/nonexistent/commands.json")))
    assert judge(desk, data, name).refused


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda each: st.lists(each) | st.dictionaries(st.text(), each)))  # fmt: skip
def test_any_json_is_read_or_refused_in_words(value: Any) -> None:
    for taker in (read, order_of):
        assert is_understood(taker, json.dumps(value).encode()) in {True, False}


def is_understood(taker: Callable[[bytes], object], data: bytes) -> bool:
    try:
        taker(data)
    except UnreadableError as error:
        return not str(error)
    return True
