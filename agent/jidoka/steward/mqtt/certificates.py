"""Which of the certificates that the way to a broker needs ends first: this device's, its authority's, the broker's."""

from __future__ import annotations

import contextlib
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jidoka.broker.endpoint import Broker

DAY_S = 86_400.0
#: how often the files are looked at again: a renewed one ends the alarm
LOOK_S = 600.0
#: a broker's certificate that ends within so many days is looked at again, too
LOOK_AT_BROKERS_DAYS = 31.0


@dataclass(frozen=True)
class CertificateEnd:
    """name: whose certificate, and where it lies; ends_s: seconds since 1970, UTC."""

    name: str
    ends_s: float

    def days_left(self, wall_s: float) -> float:
        """Negative once it has ended."""
        return (self.ends_s - wall_s) / DAY_S

    def value(self, wall_s: float) -> dict[str, Any]:
        """As `status` has it."""
        ends = time.strftime("%Y-%m-%d", time.gmtime(min(self.ends_s, 253e9)))
        return {"name": self.name, "ends": ends, "days_left": round(self.days_left(wall_s), 1)}


class CertificateWatch:
    """Called by the courier's thread alone."""

    def __init__(self, brokers: Sequence[Broker]) -> None:
        self._brokers = [each for each in brokers if each.is_tls]
        self._of_files: CertificateEnd | None = None
        self._of_brokers: dict[str, CertificateEnd] = {}
        self._next_s = 0.0

    def saw(self, broker: Broker, not_after: str) -> None:
        """A broker's certificate, as OpenSSL writes its end; "" where it showed none."""
        if not_after:
            with contextlib.suppress(ValueError):
                name = f"the broker's ({broker})"
                self._of_brokers[str(broker)] = CertificateEnd(name, ssl.cert_time_to_seconds(not_after))

    def first(self, now_s: float) -> CertificateEnd | None:
        """What ends first; None where no certificate is used or none can be read. now_s: monotonic."""
        if not self._brokers:
            return None
        if now_s >= self._next_s:
            self._next_s = now_s + LOOK_S
            self._of_files = self._look()
        found = [*self._of_brokers.values(), *([self._of_files] if self._of_files else [])]
        return min(found, key=lambda each: each.ends_s, default=None)

    def _look_at_brokers(self) -> None:
        """A broker may renew its certificate without ending connections: what would be told soon is looked at again."""
        from jidoka.broker.tls import peer_certificate  # noqa: PLC0415
        from jidoka.credentials.certificates import dates_of  # noqa: PLC0415 - cryptography is large

        for broker in self._brokers:
            seen = self._of_brokers.get(str(broker))
            if seen is not None and seen.days_left(time.time()) <= LOOK_AT_BROKERS_DAYS:
                shown = peer_certificate(broker)
                if shown is not None:
                    self._of_brokers[str(broker)] = CertificateEnd(
                        seen.name, dates_of(shown).ends.timestamp()
                    )

    def _look(self) -> CertificateEnd | None:
        from jidoka.broker.tls import login_of  # noqa: PLC0415
        from jidoka.credentials.login import first_end  # noqa: PLC0415 - cryptography is large

        self._look_at_brokers()
        found = []
        for broker in self._brokers:
            first = first_end(login_of(broker))
            if first is not None:
                file, dates = first
                found.append(CertificateEnd(f"{dates.subject} in {file}", dates.ends.timestamp()))
        return min(found, key=lambda each: each.ends_s, default=None)
