"""What ends first on the way to a broker, and the two alarms of it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from jidoka.alarms.facts import CERTIFICATE_ENDS, CERTIFICATE_ENDS_SOON
from jidoka.broker.endpoint import Broker
from jidoka.steward.mqtt.certificates import LOOK_S, CertificateWatch
from jidoka.steward.own_alarms import certificate_alarms

from tests.credentials.authority import Authority
from tests.processes import programs
from tests.steward.mqtt.brokers import Certified


def days(watch: CertificateWatch, now_s: float) -> float:
    first = watch.first(now_s)
    assert first is not None
    return first.days_left(time.time())


def test_the_devices_own_its_authoritys_and_the_brokers_certificate_are_compared(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ca", ends=400.0)
    pair = authority.issue("press", days=(-1.0, 90.0))
    broker = Broker("aims", is_tls=True, ca=authority.file, certificate=pair.certificate, key=pair.key)
    watch = CertificateWatch([broker])
    assert days(watch, 0.0) == pytest.approx(90.0, abs=0.1)
    watch.saw(broker, "Jan  1 00:00:00 2020 GMT")
    assert days(watch, 0.0) < 0
    assert "the broker's (aims:1883)" in str(watch.first(0.0))


def test_a_renewed_certificate_counts_soon_and_a_missing_one_is_no_date(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ca")
    pair = authority.issue("press", days=(-1.0, 5.0))
    watch = CertificateWatch([Broker("aims", is_tls=True, certificate=pair.certificate, key=pair.key)])
    assert days(watch, 0.0) == pytest.approx(5.0, abs=0.1)
    authority.issue("press", days=(-1.0, 365.0))
    assert days(watch, LOOK_S - 1) == pytest.approx(5.0, abs=0.1), "files aren't read all the time"
    assert days(watch, LOOK_S + 1) == pytest.approx(365.0, abs=0.1)
    Path(pair.certificate).unlink()
    assert watch.first(2 * LOOK_S + 2) is None
    assert CertificateWatch([Broker("aims")]).first(0.0) is None


@pytest.mark.process
def test_a_broker_that_renewed_its_certificate_without_ending_connections_is_believed(tmp_path: Path) -> None:
    world = Certified(tmp_path)
    with programs(tmp_path) as start:
        world.start(start)
        broker = world.broker("tls")
        watch = CertificateWatch([broker])
        watch.saw(broker, "Jan  1 00:00:00 2020 GMT")
        assert days(watch, 0.0) == pytest.approx(365.0, abs=0.1), "as mosquitto shows it now"


def test_of_many_authorities_the_last_one_to_end_counts(tmp_path: Path) -> None:
    old, new = Authority(tmp_path, "old", ends=3.0), Authority(tmp_path, "new", ends=3000.0)
    both = tmp_path / "both.pem"
    both.write_bytes(Path(old.file).read_bytes() + Path(new.file).read_bytes())
    watch = CertificateWatch([Broker("aims", is_tls=True, ca=str(both))])
    assert days(watch, 0.0) == pytest.approx(3000.0, abs=0.1)


@pytest.mark.parametrize(
    ("left", "on"),
    [
        (None, set()), (31.0, set()), (30.0, {CERTIFICATE_ENDS}), (7.1, {CERTIFICATE_ENDS}),
        (7.0, {CERTIFICATE_ENDS_SOON}), (-1.0, {CERTIFICATE_ENDS_SOON}),
    ],
)  # fmt: skip
def test_a_warning_comes_30_days_before_and_an_alarm_7_days_before(left: float | None, on: set[str]) -> None:
    assert {name for name, is_on in certificate_alarms(left).items() if is_on} == on
