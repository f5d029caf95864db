"""A second reader of the ledger, written from docs/ledger-format.md alone; it imports nothing of Jidoka.

Run it as `python tests/steward/independent_reader.py FILE`: it prints one JSON object an entry, and ends with code 1
and the place where the file doesn't hold.
"""

import json
import math
import pathlib
import struct
import sys
import zlib

KINDS = {
    1: "boot", 2: "config", 3: "admission", 4: "baseline", 5: "decision block", 6: "condition", 7: "transition",
    8: "cause", 9: "alarm", 10: "act", 11: "command", 12: "refusal", 13: "override", 14: "checkpoint",
    15: "cosignature", 16: "clock step", 17: "loss", 18: "retention", 19: "absence", 20: "sketch", 21: "inventory",
    22: "risk", 23: "removed", 24: "drill", 25: "flood",
}  # fmt: skip
LANES = {1: "alarm", 2: "evidence", 3: "history"}
LANE_OF = {kind: 3 if kind in (5, 20, 23) else 1 if kind in (7, 9, 11, 13, 25) else 2 for kind in KINDS}
COLUMNS = (
    ("number", "Q", True), ("part", "Q", True), ("record_ns", "Q", True), ("judged_ns", "Q", True),
    ("reasons", "I", False), ("top_class", "h", False), ("verdict", "B", False), ("flags", "B", False),
    ("position", "H", False), ("recipe", "H", False), ("confidence", "f", False), ("score1", "f", False),
    ("score2", "f", False),
)  # fmt: skip


class BrokenError(Exception):
    """The file doesn't hold; says where."""


def read(data):
    """Yields a dict for each entry of a ledger's bytes. Raises BrokenError."""
    if len(data) < 40 or data[:8] != b"\x89JDKLG\r\n":
        raise BrokenError("byte 0: no ledger")
    version, size = struct.unpack_from("<HH", data, 8)
    if zlib.crc32(data[:36]) != struct.unpack_from("<I", data, 36)[0]:
        raise BrokenError("byte 0: CRC of the file header")
    if version != 1 or size != 40:
        raise BrokenError(f"version {version}, this reader knows 1")
    at, index, lanes, boot, clock = 40, 0, dict.fromkeys(LANES, 0), None, 0
    while at < len(data):
        if not data[at : at + 58].strip(b"\0") and not data[at:].strip(b"\0"):
            return  # room for entries to come
        if len(data) - at < 58:
            raise BrokenError(f"byte {at}: torn")
        length, crc = struct.unpack_from("<II", data, at)
        kind, lane = data[at + 8], data[at + 9]
        place, lane_number, monotonic, wall = struct.unpack_from("<QQQQ", data, at + 10)
        this_boot = data[at + 42 : at + 58]
        end = at + 58 + length
        if length > 1048576 or end > len(data):
            raise BrokenError(f"byte {at}: torn or a wrong length")
        if zlib.crc32(data[at : at + 4] + data[at + 8 : end]) != crc:
            raise BrokenError(f"byte {at}: CRC")
        lanes[lane] += 1
        if place != index or lane_number != lanes[lane] or LANE_OF[kind] != lane:
            raise BrokenError(f"byte {at}: number {place} or lane number {lane_number}")
        if this_boot != boot and kind != 1:
            raise BrokenError(f"byte {at}: the boot changes without a boot entry")
        if this_boot == boot and monotonic < clock:
            raise BrokenError(f"byte {at}: the clock goes back")
        body = data[at + 58 : end]
        end, count = behind(data, at, end) if kind == 23 else (end, 1)
        boot, clock, index = this_boot, monotonic, index + count
        lanes[lane] += count - 1
        yield {
            "index": place, "kind": KINDS[kind], "lane": LANES[lane], "lane_number": lane_number,
            "monotonic_ns": monotonic, "wall_ns": wall, "boot": this_boot.hex(),
            "body": read_block(body) if kind == 5 else json.loads(body),
        }  # fmt: skip
        at = end


def behind(data, at, end):
    """Where the next entry begins behind one that stands for others, and for how many it does."""
    told = json.loads(data[at + 58 : end])
    if at + told["span"] > len(data) or told["span"] != sum(
        58 + each["size_bytes"] for each in told["entries"]
    ):
        raise BrokenError(f"byte {at}: a span of {told['span']}")
    return at + told["span"], len(told["entries"])


def read_block(body):
    """A decision block's body as a dict with its rows."""
    version, flags, count, serial = struct.unpack_from("<BBHQ", body)
    if version != 1:
        raise BrokenError(f"block version {version}, this reader knows 1")
    boot = body[12:28]
    offset, length = struct.unpack_from("<qH", body, 28)
    model = body[38 : 38 + length].decode()
    data = zlib.decompress(body[38 + length :])
    at, columns = 0, {}
    for name, code, is_difference in COLUMNS:
        width = struct.calcsize("<" + code)
        planes = [data[at + plane * count : at + (plane + 1) * count] for plane in range(width)]
        at += width * count
        raw = [bytes(plane[row] for plane in planes) for row in range(count)]
        values = [struct.unpack("<" + code, each)[0] for each in raw]
        if is_difference:
            for row in range(1, count):
                values[row] = (values[row] + values[row - 1]) % 2**64
        columns[name] = [None if math.isnan(value) else value for value in values]
    rows = [{name: columns[name][row] for name in columns} for row in range(count)]
    told = {"model": model, "serial": serial, "boot": boot.hex(), "wall_offset_ns": offset, "rows": rows}
    if flags & 1:
        told["digests"] = [data[at + 16 * row : at + 16 * row + 16].hex() for row in range(count)]
    return told


def main():
    """Print the entries of the file that is named."""
    data = pathlib.Path(sys.argv[1]).read_bytes()
    try:
        for entry in read(data):
            print(json.dumps(entry, ensure_ascii=False))
    except BrokenError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
