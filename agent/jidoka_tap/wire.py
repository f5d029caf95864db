"""The record wire (contract C1): what the tap and the monitor say to each other, one SEQPACKET datagram a message.

Header `<4s B B H I Q` (magic, version, kind, flags, body length, CLOCK_MONOTONIC ns of sending), then the body.
A RECORD's body is a record header, one descriptor a tensor, and the tensors' bytes, each padded to 8. Tensors too
large for that lie in a slot of the arena: shared memory that the monitor makes, seals and hands over with WELCOME.
Little-endian throughout. Python 3.8 and numpy only.
"""

import json
import struct
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

MAGIC = b"JDR1"
VERSION = 1
HEADER = struct.Struct("<4sBBHIQ")

HELLO = 1  # tap -> monitor, JSON: model (or sha256 of its file), pid, boot, inputs, outputs, runtime, gate
WELCOME = 2  # monitor -> tap, JSON, see below
REFUSED = 3  # monitor -> tap, JSON: reason, remedy
BEAT = 4  # tap -> monitor, every 100 ms
RECORD = 5  # tap -> monitor
VERDICT = 6  # monitor -> tap
GOODBYE = 7  # tap -> monitor, JSON: reason
SHOW = 8  # monitor -> tap, JSON: digest; only to a tap whose HELLO has "shows": true: show the known answers

KINDS = {HELLO: "hello", WELCOME: "welcome", REFUSED: "refused", BEAT: "beat", RECORD: "record",
         VERDICT: "verdict", GOODBYE: "goodbye", SHOW: "show"}  # fmt: skip

# WELCOME: model: its id; mode: "none|observe|enforce"; every: inputs go with each n-th record, 0 = never; roi: null or
# [x, y, width, height]; inline_limit_bytes; wanted: {"outputs": [names]|null, "inputs": [names]|null}, the tensors that
# records carry, null or absent = all (others aren't named and never copied from a GPU); arena: null or {"slots": n,
# "slot_bytes": data of one}, whose descriptor comes with the same datagram, the first of a connection (later ones keep
# the arena); known_answers: SHA-256 of the plan's set, "" or absent = none; reasons: {"bit number": text}; notes: [sentences for the application's log]

WANTS_VERDICT = 1  # flag in the header of a RECORD: the application waits for the VERDICT of this record
KNOWN_ANSWER = 2  # flag: the input is a known answer; its number, from 1, stands for the part

INLINE_LIMIT_BYTES = (
    60_000  # of one record's tensors; larger ones lie in the arena or are counted as not sent
)
BEAT_INTERVAL_S = 0.1
MAX_NDIM = 6
MAX_TENSORS = 64  # of one record

#: role of a tensor. Or-ed in: NOT_SENT = named, without bytes; IN_ARENA = its bytes lie in the record's slot
INPUT, OUTPUT, NOT_SENT, IN_ARENA = 0, 1, 2, 4
#: index of an INPUT that is none of the model's: a picture, uint8, (H, W) grey or (H, W, 3) red, green, blue, that the
#: application hands in where the model's own input can't be copied
THUMBNAIL = 0xFFFF

# frozen numbers of the element types, ONNX's own (TensorProto.DataType)
DTYPES: Dict[int, Any] = {1: np.dtype("<f4"), 2: np.dtype("u1"), 3: np.dtype("i1"), 4: np.dtype("<u2"), 5: np.dtype("<i2"),
          6: np.dtype("<i4"), 7: np.dtype("<i8"), 9: np.dtype("?"), 10: np.dtype("<f2"), 11: np.dtype("<f8"),
          12: np.dtype("<u4"), 13: np.dtype("<u8")}  # fmt: skip
DTYPE_NUMBERS = {dtype: number for number, dtype in DTYPES.items()}

# number, part id (0 = unknown), start ns (CLOCK_MONOTONIC), latency ns, position, recipe, tensors, slot + 1 (0 = none)
RECORD_HEAD = struct.Struct("<QQQQHHHH")
# role, dtype number, ndim, reserved, index among the model's inputs or outputs, bytes, shape (MAX_NDIM)
TENSOR = struct.Struct("<BBBBHHI%dI" % MAX_NDIM)
BEAT_BODY = struct.Struct("<QQQ")  # records sent, dropped, tensors not sent
# record number, part id, reasons (bits, texts in WELCOME), verdict of the record, worst verdict of the part so far
VERDICT_BODY = struct.Struct("<QQIHH")
PASS, SUSPECT, REJECT = 0, 1, 2
# Head of an arena slot. The tap writes the record's number into `begun`, copies, writes it into `ended`; the monitor
# writes it into `released` once it has its copy. A slot is free when `released` is what the tap last wrote there.
SLOT_HEAD = struct.Struct("<QQQ40x")  # begun, ended, released
ARENA_ALIGN = 64  # where each tensor begins, counted from the end of the slot's head


class WireError(ValueError):
    """A datagram that isn't a message of this wire."""


class Tensor(NamedTuple):
    """One tensor of a record. index: among the names of HELLO; array: None if it was not sent (then shape and
    dtype still tell what it was)."""

    role: int
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs
    shape: Tuple[int, ...]
    dtype: Any
    array: Any


class Record(NamedTuple):
    """One inference as it left the application. part 0 = unknown; recipe 0 = unknown."""

    number: int
    part: int
    start_ns: int
    latency_ns: int
    position: int
    recipe: int
    tensors: List[Tensor]


def encode(kind: int, now_ns: int, body: bytes, flags: int = 0) -> bytes:
    """One datagram."""
    return HEADER.pack(MAGIC, VERSION, kind, flags, len(body), now_ns) + body


def encode_json(kind: int, now_ns: int, value: Dict[str, Any]) -> bytes:
    """One datagram with a JSON body."""
    return encode(kind, now_ns, json.dumps(value, separators=(",", ":")).encode())


def decode(datagram: bytes) -> Tuple[int, int, memoryview]:
    """(kind, sent ns, body). Raises WireError naming both versions, or what is cut."""
    if len(datagram) < HEADER.size:
        raise WireError("%d bytes are no message: a header has %d" % (len(datagram), HEADER.size))
    magic, version, kind, _, length, sent_ns = HEADER.unpack_from(datagram)
    if magic != MAGIC:
        raise WireError("magic %r isn't %r" % (magic, MAGIC))
    if version != VERSION:
        raise WireError("wire version %d isn't %d, the one this program speaks" % (version, VERSION))
    if kind not in KINDS:
        raise WireError("kind %d is unknown to version %d" % (kind, VERSION))
    if length != len(datagram) - HEADER.size:
        raise WireError("header says %d bytes of body, %d came" % (length, len(datagram) - HEADER.size))
    return kind, sent_ns, memoryview(datagram)[HEADER.size :]


def decode_json(body: memoryview) -> Dict[str, Any]:
    """A JSON object. Raises WireError."""
    try:
        value = json.loads(bytes(body))
    except ValueError as error:
        raise WireError("no JSON: %s" % error) from None
    if not isinstance(value, dict):
        raise WireError("JSON that isn't an object")
    return value


def padded(size: int, to: int = 8) -> int:
    """The next multiple of `to`."""
    return -(-size // to) * to


def pack_record(
    number: int,
    part: int,
    start_ns: int,
    latency_ns: int,
    tensors: Sequence[Tuple[int, int, Any]],
    *,
    position: int = 0,
    recipe: int = 0,
    inline_limit_bytes: int = INLINE_LIMIT_BYTES,
    slot: Optional[Tuple[int, Any]] = None,
) -> Tuple[List[bytes], List[Tuple[int, int]]]:
    """(pieces for sendmsg, tensors not sent as (role, index)).

    tensors: (role, index, array) in order of importance, outputs first: what fits neither inline any more nor in the
    slot, or has an element type or rank that the wire doesn't know, is named without bytes. slot: (its number,
    writable bytes of the whole slot), written if a tensor lies in it.
    """
    head, bodies, in_arena = [], [], []  # type: List[bytes], List[bytes], List[bytes]
    not_sent: List[Tuple[int, int]] = []
    room = 0 if slot is None else len(slot[1]) - SLOT_HEAD.size
    used = in_slot = 0
    for role, index, given in tensors:
        array = np.asarray(given, order="C")
        dtype_number, size = DTYPE_NUMBERS.get(array.dtype, 0), array.nbytes
        flags, is_known = role, dtype_number and array.ndim <= MAX_NDIM
        if is_known and used + padded(size) <= inline_limit_bytes:
            bodies.append(array.tobytes() + b"\0" * (padded(size) - size))
            used += padded(size)
        elif is_known and in_slot + padded(size, ARENA_ALIGN) <= room:
            flags |= IN_ARENA
            in_arena.append(array.tobytes() + b"\0" * (padded(size, ARENA_ALIGN) - size))
            in_slot += padded(size, ARENA_ALIGN)
        else:
            flags, size = flags | NOT_SENT, 0
            not_sent.append((role, index))
        rank = min(array.ndim, MAX_NDIM)
        shape = tuple(array.shape[:rank]) + (0,) * (MAX_NDIM - rank)
        head.append(TENSOR.pack(flags, dtype_number, rank, 0, index, 0, size, *shape))
    slot_place = 0
    if slot is not None and in_arena:
        slot_place = slot[0] + 1
        slot[1][0:16] = struct.pack("<QQ", number, number)
        slot[1][SLOT_HEAD.size : SLOT_HEAD.size + in_slot] = b"".join(in_arena)
    first = RECORD_HEAD.pack(number, part, start_ns, latency_ns, position, recipe, len(tensors), slot_place)
    return [first, *head, *bodies], not_sent


#: (slot, record number, bytes) -> a private copy of the first so many bytes of the slot's data; raises WireError
TakeSlot = Callable[[int, int, int], Any]


def unpack_record(body: memoryview, take_slot: Optional[TakeSlot] = None) -> Record:
    """The record in a body; arrays are views of it, or of the copy that `take_slot` gives of the record's slot.

    Raises WireError for anything that doesn't fit, a slot without `take_slot` included.
    """
    try:
        number, part, start_ns, latency_ns, position, recipe, count, slot = RECORD_HEAD.unpack_from(body)
    except struct.error:
        raise WireError("record head is cut") from None
    offset = RECORD_HEAD.size + count * TENSOR.size
    if count > MAX_TENSORS or offset > len(body):
        raise WireError("%d tensors don't fit %d bytes" % (count, len(body)))
    tensors: List[Tensor] = []
    in_arena: List[Tuple[int, int, int]] = []  # place among the tensors, offset in the slot, bytes
    slot_bytes = 0
    for n in range(count):
        flags, size, tensor = _unpack_descriptor(body, n)
        tensors.append(tensor)
        if flags & IN_ARENA:
            in_arena.append((n, slot_bytes, size))
            slot_bytes += padded(size, ARENA_ALIGN)
        elif not flags & NOT_SENT:
            if offset + size > len(body):
                raise WireError("tensor %d: its %d bytes are cut" % (n, size))
            tensors[n] = _with_bytes(tensor, body, size, offset)
            offset += padded(size)
    if offset != len(body):
        raise WireError("%d bytes behind the last tensor" % (len(body) - offset))
    if in_arena:
        if not slot or take_slot is None:
            raise WireError("tensors in an arena that wasn't handed out")
        copy = take_slot(slot - 1, number, slot_bytes)
        for n, begin, size in in_arena:
            tensors[n] = _with_bytes(tensors[n], copy, size, begin)
    return Record(number, part, start_ns, latency_ns, position, recipe, tensors)


def _unpack_descriptor(body: memoryview, n: int) -> Tuple[int, int, Tensor]:
    """(flags, bytes, the tensor still without its array) of the n-th descriptor. Raises WireError."""
    flags, dtype_number, ndim, _, index, _, size, *shape = TENSOR.unpack_from(
        body, RECORD_HEAD.size + n * TENSOR.size
    )
    if ndim > MAX_NDIM or flags > (OUTPUT | IN_ARENA):
        raise WireError("tensor %d: rank %d or flags %d unknown" % (n, ndim, flags))
    dtype, dims = DTYPES.get(dtype_number), tuple(shape[:ndim])
    if not flags & NOT_SENT:
        if dtype is None:
            raise WireError("tensor %d: element type %d unknown" % (n, dtype_number))
        expected = dtype.itemsize
        for dim in dims:
            expected *= dim
        if expected != size:
            raise WireError("tensor %d: %r of %s has %d bytes, not %d" % (n, dims, dtype, expected, size))
    return flags, size, Tensor(flags & OUTPUT, index, dims, dtype, None)


def _with_bytes(tensor: Tensor, source: Any, size: int, offset: int) -> Tensor:
    flat = np.frombuffer(source, tensor.dtype, size // tensor.dtype.itemsize, offset)
    return tensor._replace(array=flat.reshape(tensor.shape))
