"""`jidoka enroll`: from a configuration without files to a certificate that it finds good."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jidoka.cli.main import main

from tests.credentials.authority import Authority

EXAMPLE = Path(__file__).parents[2] / "configs" / "visual-inspection.yaml"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A configuration that logs in with a certificate which isn't there yet."""
    text = EXAMPLE.read_text()
    start = text.index("broker:")
    end = text.index("\n\n", start)
    broker = "broker:\n  url: mqtts://aims\n  ca: plant-ca.pem\n  certificate: device.pem\n  key: device.key"
    path = tmp_path / "line7.yaml"
    path.write_text(text[:start] + broker + text[end:])
    return path


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(list(words))
    return int(caught.value.code or 0)


def test_a_device_enrolls_and_its_configuration_is_good(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    authority = Authority(site.parent, "plant-ca")
    assert run("validate", str(site)) == 0
    told = capsys.readouterr().out
    assert f"Note    {site}:" in told
    assert "device.key: can't be read" in told
    assert run("enroll", str(site), "--json") == 0
    made = json.loads(capsys.readouterr().out)
    assert made["subject"] == "CN=cell-3" or made["subject"].startswith("CN=")
    came = authority.sign(Path(made["request"]))
    assert run("enroll", str(site), "--certificate", str(came), "--authority", authority.file) == 0
    assert "issued by CN=plant-ca, valid until" in capsys.readouterr().out
    assert run("validate", str(site)) == 0
    assert "Note    " + str(site) not in capsys.readouterr().out
    assert run("enroll", str(site)) == 10
    assert "is a key in use" in capsys.readouterr().err


def test_validate_names_the_certificate_and_the_date_at_its_line(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    authority = Authority(site.parent, "plant-ca")
    authority.issue("press", days=(-40.0, -10.0), file="device")
    (site.parent / "device.crt").rename(site.parent / "device.pem")
    assert run("validate", str(site)) == 3
    told = capsys.readouterr().err
    line = site.read_text().splitlines().index("  certificate: device.pem") + 1
    assert f"{site}:{line}:16: broker.certificate: " in told
    assert "CN=press was valid until 20" in told
    assert run("plan", str(site)) == 0, "a machine starts with an expired certificate too"


def test_validate_names_a_key_that_is_not_the_certificates_and_one_that_others_may_read(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    authority = Authority(site.parent, "plant-ca")
    authority.issue("press", file="device")
    other = authority.issue("welder")
    (site.parent / "device.crt").rename(site.parent / "device.pem")
    Path(other.key).replace(site.parent / "device.key")
    assert run("validate", str(site)) == 3
    assert "isn't the key of CN=press in" in capsys.readouterr().err
    (site.parent / "device.key").chmod(0o644)
    assert run("validate", str(site)) == 3
    assert "others may read or write it (mode 0644)" in capsys.readouterr().err


def test_a_configuration_without_a_place_for_the_key_says_what_to_add(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("enroll", str(EXAMPLE)) == 3
    assert "names no key and certificate" in capsys.readouterr().err
