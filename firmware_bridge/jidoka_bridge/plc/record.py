"""What the PLC remembers of the ledger and of the hours without a session: block D in, block C out.

It takes only a growing ledger size and advances its ring of hourly heads by itself, so that nobody who holds the
device later can shorten its history unseen. A smaller size (a spare device) needs key and button held at the machine.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from jidoka_bridge import registers
from jidoka_bridge.link.blocks import RING_HOURS, BlockC, BlockD
from jidoka_bridge.plc.admission import Admission
from jidoka_bridge.registers import Flag

VERSION = 0x0100
HOUR_MS = 3_600_000


@dataclass
class PlcRecord:
    """Retentive memory. head: ledger size and root prefix as last taken; approved_digest: 0 = none yet."""

    head: tuple[int, int] = (0, 0)
    approved_digest: int = 0
    digest: int = 0
    epoch: int = 0
    next_place: int = 0
    ring: list[tuple[int, int]] = field(default_factory=lambda: [(0, 0)] * RING_HOURS)
    key_ms: int = 0
    key_times: int = 0
    resets: int = 0
    parts_without_session: int = 0
    longest_scan_ms: int = 0
    _is_key_on: bool = False
    _hour: int = 0

    def take(self, block: BlockD, is_held: bool) -> str:
        """Take block D. is_held: key and button are held at the machine. Returns why it isn't taken, "" if it is."""
        self.digest = block.digest_prefix
        if is_held:
            self.approved_digest = block.digest_prefix
        if block.ledger_size < self.head[0]:
            if not is_held:
                return "ledger size fell"
            self.epoch = self.epoch + 1 & 0xFFFF
            self.next_place = 0
            self.ring = [(0, 0)] * RING_HOURS
        elif block.ledger_size == self.head[0] and block.root_prefix != self.head[1]:
            return "another root at the same size"
        self.head = (block.ledger_size, block.root_prefix)
        return ""

    @property
    def may_arm(self) -> bool:
        """Plan and model are the ones that were approved here, or none was yet."""
        return self.approved_digest in (0, self.digest)

    def scan(self, now_ms: int, passed_ms: int, is_key_on: bool, parts: int, has_session: bool) -> None:
        """Count what one scan brought; advance the ring on the hour of PLC time."""
        self.longest_scan_ms = max(self.longest_scan_ms, passed_ms)
        if is_key_on:
            self.key_ms += passed_ms
            self.key_times += not self._is_key_on
        self._is_key_on = is_key_on
        if not has_session:
            self.parts_without_session += parts
        if now_ms // HOUR_MS > self._hour:
            self._hour = now_ms // HOUR_MS
            self.ring[self.next_place] = self.head
            self.next_place = (self.next_place + 1) % RING_HOURS

    def block(self, admission: Admission, part_count: int) -> BlockC:
        """Block C of now."""
        refused = {
            f"refused_{reason}": min(admission.counts[reason], 0xFFFF)
            for reason in ("crc", "format", "connection", "number", "stamp")
        }
        return BlockC(
            version=VERSION,
            map_digest=int.from_bytes(registers.MAP_DIGEST, "big"),
            hold_limit_ms=admission.hold_limit_ms,
            longest_scan_ms=min(self.longest_scan_ms, 0xFFFF),
            flags=Flag.FC23,
            part_count=part_count & 0xFFFF_FFFF,
            ring_epoch=self.epoch,
            ring_next=self.next_place,
            key_seconds=self.key_ms // 1000,
            key_times=self.key_times & 0xFFFF,
            resets=self.resets & 0xFFFF,
            parts_without_session=self.parts_without_session & 0xFFFF_FFFF,
            approved_digest=self.approved_digest,
            ring=tuple(self.ring),
            **refused,
        )
