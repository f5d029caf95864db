"""`jidoka command`: for people at the management system: make a key, sign a command, send it and see what came of it."""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from jidoka_bridge.errors import BrokerError, InputError, RefusedError

from jidoka.cli.asking import FILE

if TYPE_CHECKING:
    from jidoka.broker.endpoint import Broker

#: how long a signed command is good for
GOOD_FOR_S = 50
REPLY_S = 20.0


@click.group("command")
def command() -> None:
    """Ask a device for something from elsewhere: it may be stopped, never started.

    \b
    Example:
        jidoka command keygen shift.key          # once; the device's configuration gets what it prints
        jidoka command send hold --key shift.key --id shift --device plant/line7/press --broker aims:1883
    """


@command.command("keygen")
@click.argument("file", type=FILE)
def keygen(file: Path) -> None:
    """Make a key pair: the private half goes into FILE (0600), the public one is printed.

    \b
    Example:
        jidoka command keygen shift.key
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    private = Ed25519PrivateKey.generate()
    text = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise InputError(f"{file}: is there already", "A key is never replaced: give another name.") from None
    except OSError as error:
        raise InputError(
            f"{file}: can't be written: {error.strerror}", "Give a folder that may be written."
        ) from None
    with os.fdopen(descriptor, "wb") as out:
        out.write(text)
    click.echo(
        f"{file}: keep it where only you can read it. For the configuration of each device that shall obey it:\n"
    )
    click.echo(f"commands:\n  - id: {file.stem}\n    public_key: {_public(private)}\n    may: [hold]")


def _public(private: Any) -> str:
    import base64

    return base64.b64encode(private.public_key().public_bytes_raw()).decode()


@command.command("sign")
@click.argument("name")
@click.option("--key", "key_file", type=FILE, required=True, help="The private half, as keygen wrote it.")
@click.option("--id", "key_id", required=True, help="The key's id in the device's configuration.")
@click.option("--device", required=True, help="SITE/LINE/DEVICE.")
@click.option(
    "--argument", "arguments", multiple=True, help="NAME=VALUE of the command; may come several times."
)
def sign(name: str, key_file: Path, key_id: str, device: str, arguments: tuple[str, ...]) -> None:
    """Print a signed command, to be published on DEVICE's topic within 50 seconds by whatever means.

    \b
    Example:
        jidoka command sign hold --key shift.key --id shift --device plant/line7/press > hold.json
        mosquitto_pub -h aims -q 1 -t aims/v1/plant/line7/press/cmd/hold/request -f hold.json
    """
    message, _ = _signed(name, key_file, key_id, device, arguments)
    sys.stdout.write(message.decode() + "\n")


@command.command("send")
@click.argument("name")
@click.option("--key", "key_file", type=FILE, required=True, help="The private half, as keygen wrote it.")
@click.option("--id", "key_id", required=True, help="The key's id in the device's configuration.")
@click.option("--device", required=True, help="SITE/LINE/DEVICE.")
@click.option("--broker", required=True, help="HOST, HOST:PORT, or mqtts://HOST:PORT with TLS.")
@click.option(
    "--ca",
    type=FILE,
    help="Whom the broker's certificate must come from; the system's authorities if left out.",
)
@click.option("--certificate", type=FILE, help="Your certificate at the broker.")
@click.option("--certificate-key", type=FILE, help="Its key (0600).")
@click.option("--username", help="At the broker; the password comes from JIDOKA_BROKER_PASSWORD.")
@click.option(
    "--argument", "arguments", multiple=True, help="NAME=VALUE of the command; may come several times."
)
@click.option("--json", "as_json", is_flag=True, help="Print the reply as JSON.")
def send(
    *, name: str, key_file: Path, key_id: str, device: str, broker: str, username: str | None, ca: Path | None,
    certificate: Path | None, certificate_key: Path | None, arguments: tuple[str, ...], as_json: bool,
) -> None:  # fmt: skip
    """Sign a command, send it, and wait for what the device says of it.

    \b
    Example:
        jidoka command send hold --key shift.key --id shift --device plant/line7/press --broker aims:1883
    """
    import hashlib

    message, tree = _signed(name, key_file, key_id, device, arguments)
    place = _broker_of(broker, username, ca, certificate, certificate_key)
    reply = _exchange(place, tree, name, message, hashlib.sha256(message).hexdigest())
    if reply is None:
        raise BrokerError(
            f"{device} didn't answer within {REPLY_S:.0f} s",
            "See whether it is online (its topic status), and whether the broker lets you write and read cmd/#.",
        )
    if as_json:
        click.echo(json.dumps(reply))
    elif not reply.get("refused"):
        click.echo(f"{device}: {name}: done.")
    if reply.get("refused"):
        raise RefusedError(f"{device} refuses {name}: {reply['refused']}", str(reply.get("remedy") or ""))


def _signed(
    name: str, key_file: Path, key_id: str, device: str, arguments: tuple[str, ...]
) -> tuple[bytes, str]:
    """(the message, the device's topic tree)."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    from jidoka.steward.commands.signing import sign as signed
    from jidoka.steward.mqtt.envelope import Place

    parts = device.split("/")
    if len(parts) != 3 or not all(parts):
        raise click.BadParameter(f"{device!r} isn't SITE/LINE/DEVICE")
    pairs = [each.partition("=") for each in arguments]
    if any(not mark or not key for key, mark, _ in pairs):
        raise click.BadParameter("--argument is NAME=VALUE")
    try:
        private = load_pem_private_key(key_file.read_bytes(), None)
    except OSError as error:
        raise InputError(
            f"{key_file}: can't be read: {error.strerror}", "Name the file of the private key."
        ) from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise InputError(f"{key_file}: isn't an Ed25519 private key", "Use what jidoka command keygen wrote.")
    tree, now_s = Place(*parts).tree, time.time()
    payload = {
        "command": name, "device": tree,
        # grows by itself, and needs no file beside the key
        "number": time.time_ns() // 1_000_000,
        "issued": _moment(now_s), "expires": _moment(now_s + GOOD_FOR_S),
        "arguments": {key: value for key, _, value in pairs},
    }  # fmt: skip
    return signed(private, key_id, payload), tree


def _moment(seconds: float) -> str:
    return (
        datetime.fromtimestamp(seconds, timezone.utc)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )


def _broker_of(
    text: str, username: str | None, ca: Path | None, certificate: Path | None, certificate_key: Path | None
) -> Broker:
    """HOST, HOST:PORT, or a URL as in the configuration's `broker.url`."""
    from jidoka.broker.endpoint import broker_at

    try:
        return broker_at(
            text, ca=_text(ca), certificate=_text(certificate), key=_text(certificate_key), username=username
        )
    except InputError as error:
        raise click.BadParameter(f"--broker {error.what}") from None


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _exchange(
    broker: Broker, tree: str, name: str, message: bytes, sha256: str
) -> dict[str, Any] | None:  # fmt: skip
    """The device's reply to this very message; None if none comes. Raises BrokerError."""
    import paho.mqtt.client as paho

    from jidoka.broker.line import V311, dial, make_client

    replies: list[dict[str, Any]] = []
    client = make_client(broker, "", V311)

    def heard(_client: Any, _userdata: Any, received: paho.MQTTMessage) -> None:
        try:
            data = json.loads(received.payload)["data"]
        except (ValueError, KeyError, TypeError):
            return
        if data.get("sha256") == sha256:
            replies.append(data)

    client.on_message = heard

    def connected(_client: Any, _userdata: Any, _flags: Any, _reason: Any, _properties: Any) -> None:
        client.subscribe(f"{tree}/cmd/{name}/reply", 1)

    def subscribed(_client: Any, _userdata: Any, _mid: int, _reasons: Any, _properties: Any) -> None:
        client.publish(f"{tree}/cmd/{name}/request", message, 1)

    client.on_connect, client.on_subscribe = connected, subscribed
    if broker.username:
        client.username_pw_set(broker.username, os.environ.get("JIDOKA_BROKER_PASSWORD"))
    dial(client, broker)
    deadline_s = time.monotonic() + REPLY_S
    while not replies and time.monotonic() < deadline_s:
        if client.loop(0.1) != paho.MQTT_ERR_SUCCESS:
            raise BrokerError(
                f"{broker} ended the connection",
                "See the broker's log: name, password, certificate and access list.",
            )
    client.disconnect()
    return replies[0] if replies else None
