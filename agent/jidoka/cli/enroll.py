"""`jidoka enroll`: key and certificate request on the device, and the certificate that comes back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from jidoka_bridge.errors import ConfigurationError

from jidoka.cli.asking import FILE

if TYPE_CHECKING:
    from jidoka.credentials.enrolment import Places


@click.command("enroll")
@click.argument("configuration", type=FILE)
@click.option(
    "--certificate",
    "came",
    type=FILE,
    help="Install this file: the certificate that came back for the request.",
)
@click.option(
    "--authority", type=FILE, help="With --certificate: it must lead to an authority in this PEM file."
)
@click.option(
    "--new",
    "is_renewal",
    is_flag=True,
    help="Make a new key beside the one in use, to renew its certificate.",
)
@click.option(
    "--kind", type=click.Choice(("ec-p256", "ed25519")), default="ec-p256", show_default=True,
    help="Of the key. Every broker takes EC P-256; AWS IoT and Azure take no Ed25519.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON, for scripts.")
def command(
    *, configuration: Path, came: Path | None, authority: Path | None, is_renewal: bool, kind: str, as_json: bool
) -> None:  # fmt: skip
    """Give this device an identity at the broker: make its key and a request for a certificate, or install the certificate.

    CONFIGURATION says where: `key` and `certificate` of its `broker:`. The request names the device as CN and is to be signed
    by whoever issues certificates in the plant. The key never leaves the device (mode 0600, owned by who runs this: run it as
    the steward's user), and one that is in use is never overwritten: --new makes another beside it, which takes its place
    together with its certificate. The running steward uses it from its next connection on.

    \b
    Example:
      jidoka enroll line7.yaml                              # prints where the request lies
      jidoka enroll line7.yaml --certificate press.pem      # once it was signed
      jidoka enroll line7.yaml --new                        # when status says that the certificate ends soon
    """
    from jidoka.config.load import load_file

    config = load_file(configuration).config
    places = _places(configuration, config.broker)
    done = (
        _install(places, came, config.device, authority)
        if came is not None
        else _request(configuration, places, (config.device, config.site), kind, is_renewal=is_renewal)
    )
    click.echo(json.dumps(done) if as_json else done["text"])


def _places(configuration: Path, broker: Any) -> Places:
    """Of the first broker that names a key. Raises ConfigurationError if none does."""
    from jidoka.config.broker_section import absolute
    from jidoka.credentials.enrolment import Places

    base_dir = configuration.absolute().parent
    for place in [] if broker is None else [broker, *broker.spares]:
        if place.key is not None and place.certificate is not None:
            return Places(Path(absolute(base_dir, place.key)), Path(absolute(base_dir, place.certificate)))
    raise ConfigurationError(
        f"{configuration}: `broker:` names no key and certificate",
        "Add where they shall lie, such as key: /etc/jidoka/device.key and certificate: /etc/jidoka/device.pem",
    )


def _request(
    configuration: Path, places: Places, names: tuple[str, str], kind: str, *, is_renewal: bool
) -> dict[str, Any]:
    """names: of device and site."""
    from jidoka.credentials.enrolment import request

    device, site = names
    path = request(places, device, site, kind, is_renewal=is_renewal)
    text = (
        f"{path}: the request of CN={device}; have it signed for client authentication.\n"
        f"{places.new_key}: its key, which stays here.\n"
        f"Then: jidoka enroll {configuration} --certificate FILE"
    )
    return {
        "ok": True, "request": str(path), "key": str(places.new_key), "subject": f"CN={device}", "text": text,
        "csr": path.read_text(),
    }  # fmt: skip


def _install(places: Places, came: Path, device: str, authority: Path | None) -> dict[str, Any]:
    from datetime import datetime, timezone

    from jidoka.credentials.certificates import day
    from jidoka.credentials.enrolment import install

    done = install(places, came, device, datetime.now(timezone.utc), authority)
    text = (
        f"{done.certificate}: the certificate of {done.subject}, issued by {done.issuer}, valid until {day(done.ends)}.\n"
        "The running steward uses it from its next connection on."
    )
    return {
        "ok": True, "certificate": str(done.certificate), "key": str(places.key), "subject": done.subject,
        "issuer": done.issuer, "ends": done.ends.isoformat(), "is_new_key": done.is_new_key, "text": text,
    }  # fmt: skip
