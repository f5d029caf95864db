"""Makes agent/jidoka_tap/c/jidoka_wire.h from agent/jidoka_tap/wire.py: the frozen numbers stand in one place.

`python tools/tap_header.py` writes it; `--check` writes nothing and exits 1 when it is stale.
"""

from __future__ import annotations

import argparse
import struct
import sys
from pathlib import Path

from jidoka_tap import wire
from jidoka_tap.version import VERSION

ROOT = Path(__file__).resolve().parent.parent
HEADER = ROOT / "agent" / "jidoka_tap" / "c" / "jidoka_wire.h"
HEAD = """\
/* Numbers of the record wire, version {version}. Made by tools/tap_header.py from jidoka_tap/wire.py; don't edit. */

#ifndef JIDOKA_WIRE_H
#define JIDOKA_WIRE_H
"""
TAIL = """
#endif
"""
#: structs of the wire and what their fields are called; offsets are what the library writes by
STRUCTS: dict[str, tuple[struct.Struct, tuple[str, ...]]] = {
    "HEADER": (wire.HEADER, ("MAGIC", "VERSION", "KIND", "FLAGS", "LENGTH", "SENT_NS")),
    "RECORD": (
        wire.RECORD_HEAD,
        ("NUMBER", "PART", "START_NS", "LATENCY_NS", "POSITION", "RECIPE", "TENSORS", "SLOT"),
    ),
    "TENSOR": (wire.TENSOR, ("FLAGS", "DTYPE", "RANK", "RESERVED", "INDEX", "RESERVED_2", "BYTES", "SHAPE")),
    "BEAT": (wire.BEAT_BODY, ("SENT", "DROPPED", "NOT_SENT")),
    "VERDICT": (wire.VERDICT_BODY, ("NUMBER", "PART", "REASONS", "LEVEL", "PART_LEVEL")),
    "SLOT": (wire.SLOT_HEAD, ("BEGUN", "ENDED", "RELEASED")),
}


def offsets(layout: struct.Struct, names: tuple[str, ...]) -> list[tuple[str, int]]:
    """Where each field begins. Raises ValueError if the names don't go with the struct."""
    places, at = [], 0
    codes = list(_codes(layout.format))
    for code in codes:
        if not code.endswith("x"):
            places.append(at)
        at += struct.calcsize("<" + code)
    if len(places) != len(names):
        raise ValueError(f"{layout.format} has {len(places)} fields, the names are {', '.join(names)}")
    return list(zip(names, places, strict=True))


def _codes(layout: str) -> list[str]:
    """The fields of a struct format: a count goes with the letter behind it."""
    codes, count = [], ""
    for letter in layout.lstrip("<").replace(" ", ""):
        if letter.isdigit():
            count += letter
            continue
        codes.extend([count + letter] if count else [letter])
        count = ""
    return codes


def section(title: str, rows: list[tuple[str, object]]) -> str:
    """Lines that define these, under a comment."""
    width = max(len(name) for name, _ in rows)
    return (
        "\n".join([f"\n/* {title} */"] + [f"#define JDK_{name:{width}} {value}" for name, value in rows])
        + "\n"
    )


def dtype_name(dtype: object) -> str:
    """FLOAT32 for numpy's float32."""
    return str(dtype).upper()


def text() -> str:
    """The whole header."""
    kinds = [(name.upper(), number) for number, name in wire.KINDS.items()]
    dtypes = [(dtype_name(dtype), number) for number, dtype in wire.DTYPES.items()]
    parts = [
        HEAD.format(version=wire.VERSION),
        section("of this library", [("VERSION", f'"{VERSION}"')]),
        section(
            "messages",
            [("WIRE_MAGIC", f'"{wire.MAGIC.decode()}"'), ("WIRE_VERSION", wire.VERSION)]
            + [(f"KIND_{name}", number) for name, number in kinds]
            + [("WANTS_VERDICT", wire.WANTS_VERDICT)],
        ),
        section(
            "limits",
            [
                ("INLINE_LIMIT_BYTES", wire.INLINE_LIMIT_BYTES),
                ("BEAT_INTERVAL_NS", f"{round(wire.BEAT_INTERVAL_S * 1e9)}u"),
                ("MAX_RANK", wire.MAX_NDIM),
                ("MAX_TENSORS", wire.MAX_TENSORS),
                ("ARENA_ALIGN", wire.ARENA_ALIGN),
            ],
        ),
        section(
            "role of a tensor, and what is or-ed into it on the wire",
            [
                ("INPUT", wire.INPUT),
                ("OUTPUT", wire.OUTPUT),
                ("NOT_SENT", wire.NOT_SENT),
                ("IN_ARENA", wire.IN_ARENA),
            ],
        ),
        section(
            "index of an input that is none of the model's: a small picture",
            [("THUMBNAIL", f"0x{wire.THUMBNAIL:X}")],
        ),
        section(
            "levels of a verdict", [("PASS", wire.PASS), ("SUSPECT", wire.SUSPECT), ("REJECT", wire.REJECT)]
        ),
        section("element types: ONNX's own numbers (TensorProto.DataType)", [*dtypes]),
        "\n/* X(number, bytes of one element) for each element type */\n#define JDK_EACH_DTYPE(X) "
        + " ".join(f"X({number}, {dtype.itemsize})" for number, dtype in wire.DTYPES.items())
        + "\n",
    ]
    for name, (layout, names) in STRUCTS.items():
        rows: list[tuple[str, object]] = [(f"{name}_SIZE", layout.size)]
        rows += [(f"{name}_AT_{field}", place) for field, place in offsets(layout, names)]
        parts.append(section(f"{name.lower()}: size and offsets of its fields, little-endian", rows))
    return "".join(parts) + TAIL


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 if the header is stale")
    is_check = parser.parse_args().check
    made = text()
    if is_check:
        if not HEADER.exists() or HEADER.read_text(encoding="utf-8") != made:
            sys.exit(f"{HEADER.relative_to(ROOT)} is stale: run python tools/tap_header.py")
        return
    HEADER.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
