"""A device's key never leaves it and is never overwritten, and only the certificate that fits takes its place."""

from __future__ import annotations

import os
import stat
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from jidoka.credentials.certificates import fits, read_certificates, read_key
from jidoka.credentials.enrolment import EC, ED25519, Places, install, request
from jidoka_bridge.errors import InputError, RefusedError

from tests.credentials.authority import Authority

NOW = datetime.now(timezone.utc)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "device" / "device.key", tmp_path / "device" / "device.pem")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "plant-ca")


@pytest.mark.parametrize(
    ("kind", "of"), [(EC, ec.EllipticCurvePrivateKey), (ED25519, ed25519.Ed25519PrivateKey)]
)
def test_a_request_names_the_device_and_its_key_is_for_its_owner_only(
    places: Places, kind: str, of: type
) -> None:
    os.umask(mask := os.umask(0))
    try:
        os.umask(0)
        path = request(places, "press", "plant 1", kind, is_renewal=False)
    finally:
        os.umask(mask)
    asked = x509.load_pem_x509_csr(path.read_bytes())
    assert asked.is_signature_valid
    assert asked.subject.rfc4514_string() == "CN=press,O=plant 1"
    assert stat.S_IMODE(places.new_key.stat().st_mode) == 0o600
    assert isinstance(read_key(places.new_key), of)
    assert b"PRIVATE" not in path.read_bytes()
    assert {each.name for each in places.key.parent.iterdir()} == {"device.key.new", "device.pem.csr"}


def test_a_request_that_is_on_its_way_is_given_again_for_the_same_key(places: Places) -> None:
    request(places, "press", "", EC, is_renewal=False)
    before = places.new_key.read_bytes()
    path = request(places, "press", "", EC, is_renewal=False)
    assert places.new_key.read_bytes() == before
    asked = x509.load_pem_x509_csr(path.read_bytes())
    assert asked.public_key() == read_key(places.new_key).public_key()


def enrolled(places: Places, authority: Authority) -> None:
    path = request(places, "press", "", EC, is_renewal=False)
    install(places, authority.sign(path), "press", NOW, Path(authority.file))


def test_the_certificate_that_came_back_is_installed_with_its_key(
    places: Places, authority: Authority
) -> None:
    enrolled(places, authority)
    assert fits(read_certificates(places.certificate)[0], read_key(places.key))
    assert not places.new_key.exists()
    assert not places.request.exists()


def test_a_key_in_use_is_not_overwritten_and_works_until_the_new_certificate_is_here(
    places: Places, authority: Authority
) -> None:
    enrolled(places, authority)
    key, certificate = places.key.read_bytes(), places.certificate.read_bytes()
    with pytest.raises(RefusedError, match="is a key in use"):
        request(places, "press", "", EC, is_renewal=False)
    path = request(places, "press", "", EC, is_renewal=True)
    assert (places.key.read_bytes(), places.certificate.read_bytes()) == (key, certificate)
    done = install(places, authority.sign(path), "press", NOW)
    assert done.is_new_key
    assert places.key.read_bytes() != key
    assert fits(read_certificates(places.certificate)[0], read_key(places.key))


def test_a_certificate_that_was_renewed_for_the_same_key_needs_no_new_key(
    places: Places, authority: Authority
) -> None:
    path = request(places, "press", "", EC, is_renewal=False)
    first, second = authority.sign(path), None
    kept = path.read_bytes()
    install(places, first, "press", NOW)
    path.write_bytes(kept)
    second = authority.sign(path, (-1.0, 700.0))
    done = install(places, second, "press", NOW)
    assert not done.is_new_key
    assert done.ends > NOW + timedelta(days=600)


BAD = {
    "another key": (
        "is for another key than",
        lambda authority, path: Path(authority.issue("press").certificate),
    ),
    "another device": (
        "is the certificate of CN=welder",
        lambda authority, path: authority.sign(path, common="welder"),
    ),
    "ended": ("was valid until", lambda authority, path: authority.sign(path, (-30.0, -1.0))),
    "to come": ("is valid from", lambda authority, path: authority.sign(path, (2.0, 30.0))),
    "of others": (
        "was issued by CN=others, which isn't among",
        lambda authority, path: Authority(authority.folder, "others").sign(path),
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_certificate_that_does_not_fit_changes_nothing(
    places: Places, authority: Authority, name: str
) -> None:
    cause, make = BAD[name]
    path = request(places, "press", "", EC, is_renewal=False)
    came = make(authority, path)
    before = sorted(each.name for each in places.key.parent.iterdir())
    with pytest.raises(InputError, match=cause):
        install(places, came, "press", NOW, Path(authority.file))
    assert sorted(each.name for each in places.key.parent.iterdir()) == before


def test_a_chain_must_be_in_order(places: Places, authority: Authority) -> None:
    path = request(places, "press", "", EC, is_renewal=False)
    came = authority.sign(path)
    other = Authority(authority.folder, "others")
    came.write_bytes(came.read_bytes() + Path(other.file).read_bytes())
    with pytest.raises(InputError, match="CN=others, which follows it, didn't issue CN=press"):
        install(places, came, "press", NOW)
    came.write_bytes(authority.sign(path).read_bytes() + Path(authority.file).read_bytes())
    install(places, came, "press", NOW, Path(authority.file))
    assert len(read_certificates(places.certificate)) == 2


def test_without_a_request_nothing_can_be_installed(places: Places, authority: Authority) -> None:
    with pytest.raises(InputError, match="there is no key here"):
        install(places, Path(authority.issue("press").certificate), "press", NOW)


def test_a_certificate_for_servers_is_not_taken(places: Places, authority: Authority) -> None:
    pair = authority.issue("press", hosts=("press",))
    places.key.parent.mkdir()
    Path(pair.key).rename(places.key)
    with pytest.raises(InputError, match="isn't for clients"):
        install(places, Path(pair.certificate), "press", NOW)
