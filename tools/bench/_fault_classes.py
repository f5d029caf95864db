"""What a line can do to frames: the error classes of IEC 61784-3, each as a function of one frame and chance.

A class gets a frame on its way and returns what arrives instead: (delay in ns beyond the wire's own, bytes) each.
Half of what is changed is sealed anew with a right CRC-16, so that only the safety layer can find it.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from jidoka_bridge import registers
from jidoka_bridge.link.blocks import checksum
from jidoka_bridge.link.frames import READ_HOLDING, READ_WRITE, WRITE_MULTIPLE, crc16, sealed

MS = 1_000_000
REMEMBERED = 256
Arrivals = list[tuple[int, bytes]]


@dataclass
class Way:
    """One direction of a line. is_up: to the PLC; history: frames that were sent on it; held: frames kept back."""

    is_up: bool
    hold_ms: int
    beat_ms: int
    rng: random.Random
    history: deque[bytes] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    held: list[bytes] = field(default_factory=list)
    held_until_ns: int = 0
    loss: float = 0.5
    delays: str = "uniform"
    drip_ns: int = 0
    now_ns: int = 0


def words_at(frame: bytes) -> tuple[int, int]:
    """(offset, count) of the register words that a frame carries; (0, 0) for none."""
    if len(frame) < 5:
        return 0, 0
    if frame[1] == READ_WRITE and len(frame) == 13 + 2 * registers.A.words:
        return 11, registers.A.words
    if frame[1] == WRITE_MULTIPLE and len(frame) > 8:
        return 7, (len(frame) - 9) // 2
    if frame[1] in (READ_WRITE, READ_HOLDING) and len(frame) == 5 + frame[2]:
        return 3, frame[2] // 2
    return 0, 0


def corruption(way: Way, frame: bytes) -> Arrivals:
    """Bits, a burst, zeros, the end missing, a pause inside the frame."""
    rng, data = way.rng, bytearray(frame)
    kind = rng.randrange(5)
    if kind == 0:
        for _ in range(rng.choice((1, 1, 2, 3, 4, 8, 16, 64))):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif kind == 1:
        start = rng.randrange(len(data))
        length = rng.randint(1, len(data) - start)
        data[start : start + length] = rng.randbytes(length)
    elif kind == 2:
        start = rng.randrange(len(data))
        data[start:] = bytes(len(data) - start)
    elif kind == 3:
        return [(0, bytes(data[: rng.randrange(1, len(data))]))]
    else:
        cut = rng.randrange(1, len(data))
        return [(0, bytes(data[:cut])), (rng.randint(2, 40) * MS, bytes(data[cut:]))]
    return [(0, _sealed_half(way, data))]


def repetition(way: Way, frame: bytes) -> Arrivals:
    """The frame, and one of the last 256 again, soon or in its place."""
    old = way.rng.choice(way.history) if way.history else frame
    kind = way.rng.randrange(3)
    if kind == 0:
        return [(0, frame), (0, frame)]  # a gateway's retry
    if kind == 1:
        return [(0, frame), (way.rng.randint(0, way.beat_ms) * MS, old)]
    return [(0, old)]


def sequence(way: Way, frame: bytes) -> Arrivals:
    """Frames are kept back and come in another order, or a beat late in the old one."""
    if way.rng.random() < 0.4:
        return [(way.rng.randint(way.beat_ms // 2, 3 * way.beat_ms) * MS, frame)]
    way.held.append(frame)
    if len(way.held) < way.rng.randint(2, 4):
        return []
    out, way.held = way.held, []
    way.rng.shuffle(out)
    return [(0, each) for each in out]


def loss(way: Way, frame: bytes) -> Arrivals:
    """Lost with the probability of this spell."""
    return [] if way.rng.random() < way.loss else [(0, frame)]


def delay(way: Way, frame: bytes) -> Arrivals:
    """Late by up to 10 W; kept in a buffer and let go at once, in order; or one by one."""
    if way.delays == "uniform":
        return [(way.rng.randint(1, 10 * way.hold_ms) * MS, frame)]
    if way.delays == "dripping":
        # never a gap of W at the other end, so whoever goes by arrival is renewed by older and older frames
        way.drip_ns = max(way.now_ns, way.drip_ns + way.rng.randint(way.hold_ms // 2, way.hold_ms - 20) * MS)
        late_ns = way.drip_ns - way.now_ns
        return [(late_ns, frame)] if late_ns < 10 * way.hold_ms * MS else []
    if way.now_ns >= way.held_until_ns:
        way.held_until_ns = way.now_ns + way.rng.randint(1, 2 * way.hold_ms) * MS
    return [(way.held_until_ns - way.now_ns, frame)]


def insertion(way: Way, frame: bytes) -> Arrivals:
    """Another master's frames beside ours: plausible ones, with right checksums, of a session that isn't ours."""
    rng = way.rng
    offset, count = words_at(frame)
    if count < registers.A.words:  # no block: two words of block C, or none
        return [(0, frame), (0, sealed(frame[:1] + rng.randbytes(rng.randint(2, 40))))]
    words = [int.from_bytes(frame[offset + 2 * n : offset + 2 * n + 2], "big") for n in range(count - 2)]
    if rng.random() < 0.3:
        words = [rng.randrange(0x10000) for _ in words]  # a tool that writes registers
    elif way.is_up:
        words[1] = rng.choice((0, rng.randrange(0x10000), words[1]))
        words[2] = (
            rng.randrange(0x10000)
            if words[1] != _connection(frame)
            else (words[2] + rng.randint(9, 60_000)) & 0xFFFF
        )
        words[-1] = rng.choice([int(word) for word in registers.Word])
    else:
        words[1] = rng.randrange(0x10000)
        words[2] = (words[2] + rng.randint(2, 60_000)) & 0xFFFF
    other = _rewritten(frame, offset, words, _direction(way, frame))
    return [(0, frame), (0, other)] if rng.random() < 0.5 else [(0, other), (0, frame)]


def masquerade(way: Way, frame: bytes) -> Arrivals:
    """Our frame's content under somebody else's name: other direction, station, register map or an old session."""
    rng = way.rng
    offset, count = words_at(frame)
    if count < registers.A.words or rng.random() < 0.3:
        return [(0, rng.choice(way.history) if way.history else frame)]
    words = [int.from_bytes(frame[offset + 2 * n : offset + 2 * n + 2], "big") for n in range(count - 2)]
    if way.is_up:
        words[-1] = int(registers.Word.MACHINE_AND_AI)
    kind = rng.randrange(3)
    direction = (0x0A if way.is_up else 0xA0) if kind == 0 else _direction(way, frame)
    unit = frame[0] % 247 + 1 if kind == 1 else frame[0]
    return [(0, _rewritten(frame, offset, words, direction, unit=unit, is_other_map=kind == 2))]


def addressing(way: Way, frame: bytes) -> Arrivals:
    """To or from another station, another register, another function."""
    rng, data = way.rng, bytearray(frame[:-2])
    kind = rng.randrange(3)
    if kind == 0 or len(data) < 6:
        data[0] = rng.randint(1, 247)
    elif kind == 1:
        place = rng.choice((3, 7)) if data[1] == READ_WRITE and way.is_up and len(data) > 8 else 3
        data[place] = (data[place] + rng.choice((1, 2, 20, 100, 200))) & 0xFF
    else:
        data[1] = rng.choice((READ_HOLDING, WRITE_MULTIPLE, READ_WRITE, 4, 6, data[1] | 0x80))
    return [(0, sealed(bytes(data)))]


CLASSES: dict[str, Callable[[Way, bytes], Arrivals]] = {
    "corruption": corruption,
    "repetition": repetition,
    "sequence": sequence,
    "loss": loss,
    "delay": delay,
    "insertion": insertion,
    "masquerade": masquerade,
    "addressing": addressing,
}


def _sealed_half(way: Way, data: bytearray) -> bytes:
    return sealed(bytes(data[:-2])) if len(data) > 2 and way.rng.random() < 0.5 else bytes(data)


def _connection(frame: bytes) -> int:
    offset, _ = words_at(frame)
    return int.from_bytes(frame[offset + 2 : offset + 4], "big")


def _direction(way: Way, frame: bytes) -> int:
    _, count = words_at(frame)
    return (
        0x0A
        if not way.is_up
        else (registers.D.direction if count == registers.D.words else registers.A.direction)
    )


def _rewritten(
    frame: bytes, offset: int, words: list[int], direction: int, *, unit: int = 0, is_other_map: bool = False
) -> bytes:
    """The frame with other words under a right CRC-32 and CRC-16."""
    crc = checksum(words, unit or frame[0], direction) ^ (0x5A5A5A5A if is_other_map else 0)
    body = b"".join(word.to_bytes(2, "big") for word in (*words, crc >> 16, crc & 0xFFFF))
    made = sealed(frame[:offset] + body + frame[offset + len(body) : -2])
    assert crc16(made) == 0
    return made
