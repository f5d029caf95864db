"""The plan's broker: addresses taken apart, names filled in, and a spare that has what it leaves out from the first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jidoka.broker.endpoint import TCP, WEBSOCKETS, Broker, broker_of
from jidoka.config.compile import compile_text
from jidoka.config.faults import FaultyConfigurationError
from jidoka.config.load import load_text

from tests.config.test_configuration import VALID
from tests.credentials.authority import Authority

ROOT = Path(__file__).parent


def section(broker: str) -> dict[str, Any]:
    """As the programs get it: through the plan's JSON."""
    made = compile_text(f"{VALID}broker: {{{broker}}}\n", ROOT).sections["steward"]["broker"]
    found: dict[str, Any] = json.loads(json.dumps(made))
    return found


def broker(text: str) -> Broker:
    found = section(text)
    found.pop("acknowledge")
    return broker_of(found)


ADDRESSES = {
    "mqtt://aims": ("aims", 1883, TCP, False, "/mqtt"),
    "mqtts://aims": ("aims", 8883, TCP, True, "/mqtt"),
    "mqtts://aims:443": ("aims", 443, TCP, True, "/mqtt"),
    "ws://aims": ("aims", 80, WEBSOCKETS, False, "/mqtt"),
    "wss://aims": ("aims", 443, WEBSOCKETS, True, "/mqtt"),
    "wss://aims/$iothub/websocket?x=1": ("aims", 443, WEBSOCKETS, True, "/$iothub/websocket?x=1"),
    "mqtts://[2001:db8::1]:8883": ("2001:db8::1", 8883, TCP, True, "/mqtt"),
}


@pytest.mark.parametrize("url", ADDRESSES)
def test_an_address_says_how_the_broker_is_spoken_to(url: str) -> None:
    made = broker(f"url: '{url}'")
    assert (made.host, made.port, made.transport, made.is_tls, made.path) == ADDRESSES[url]


def test_the_forms_of_cloud_brokers_are_filled_in_and_paths_are_absolute() -> None:
    made = broker(
        "url: 'mqtts://hub.example:443', client_id: '{device}', username: 'hub.example/{device}/?api-version=1', "
        "alpn: [x-amzn-mqtt-ca], ca: ca.pem, certificate: c.pem, key: c.key, proxy: 'http://proxy:3128', proxy_username: me, "
        "proxy_password_file: p"
    )
    device = compile_text(VALID, ROOT).device
    assert made.client_id == device
    assert made.username == f"hub.example/{device}/?api-version=1"
    assert made.alpn == ("x-amzn-mqtt-ca",)
    assert (made.ca, made.key) == (str(ROOT / "ca.pem"), str(ROOT / "c.key"))
    assert made.proxy is not None
    assert (str(made.proxy), made.proxy.username, made.proxy.password_file) == (
        "proxy:3128",
        "me",
        str(ROOT / "p"),
    )


def test_a_spare_has_what_it_leaves_out_from_the_first_and_no_certificates_without_tls() -> None:
    found = section(
        "url: 'mqtts://one', ca: ca.pem, certificate: c.pem, key: c.key, username: u, keepalive: 10 s, return_after: 1 min, "
        "spares: [{url: 'wss://two/m', ca: other.pem}, {url: 'mqtt://three'}]"
    )
    two, three = (broker_of(each) for each in found["spares"])
    assert (two.host, two.ca, two.certificate, two.username, two.keepalive_s) == (
        "two", str(ROOT / "other.pem"), str(ROOT / "c.pem"), "u", 10,
    )  # fmt: skip
    assert (three.is_tls, three.ca, three.certificate, three.username) == (False, None, None, "u")
    assert found["return_after_s"] == 60.0


def test_the_files_are_looked_at_only_where_asked_for_and_a_spares_own_are_named_there(
    tmp_path: Path,
) -> None:
    authority = Authority(tmp_path, "ca")
    authority.issue("press", days=(-20.0, -10.0), file="old")
    authority.issue("press", file="good")
    text = (
        f"{VALID}broker:\n  url: mqtts://one\n  ca: ca.pem\n  certificate: good.crt\n  key: good.key\n  spares:\n"
        "    - url: mqtts://two\n    - url: mqtts://three\n      certificate: old.crt\n      key: good.key\n"
    )
    load_text(text, tmp_path)
    with pytest.raises(FaultyConfigurationError) as caught:
        load_text(text, tmp_path, looks_at_credentials=True)
    lines = text.splitlines()
    found = {(each.path, each.place.line): each.message for each in caught.value.faults}
    ended = ("broker.spares[1].certificate", lines.index("      certificate: old.crt") + 1)
    assert "CN=press was valid until 20" in found.pop(ended)
    [other] = found.values()
    assert "good.key: isn't the key of CN=press in" in other


def test_a_file_that_is_not_there_is_a_note_for_this_may_not_be_the_device(tmp_path: Path) -> None:
    text = f"{VALID}broker: {{url: 'mqtts://one', certificate: c.pem, key: c.key}}\n"
    checked = load_text(text, tmp_path, looks_at_credentials=True)
    assert [each.path for each in checked.notes] == ["broker.certificate", "broker.key"]
