"""A table of labels as a gauge writes it: lines of CSV into batches, bad lines named and passed over."""

from __future__ import annotations

import contextlib
import csv
import os
import select
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from jidoka_bridge.errors import InputError

from jidoka.steward.labels import MOST_LABELS, Words, label_of

#: what was read waits at most this long for more, so that a gauge's last line isn't kept back
WAIT_S = 0.5
LONGEST_LINE_BYTES = 4096


class Batch(NamedTuple):
    """Labels as the message carries them, and what is wrong with the lines that were passed over."""

    labels: list[dict[str, Any]]
    bad: list[str]


@contextlib.contextmanager
def opened(table: Path) -> Iterator[int]:
    """The descriptor of the table, standard input for `-`. Raises InputError if it can't be read."""
    if str(table) == "-":
        yield sys.stdin.fileno()
        return
    try:
        fd = os.open(table, os.O_RDONLY)
    except OSError as error:
        raise InputError(
            f"{table}: can't be read: {error.strerror}", "Give a CSV file, or - for standard input."
        ) from None
    try:
        yield fd
    finally:
        os.close(fd)


def batches(fd: int, words: Words, name: str) -> Iterator[Batch]:
    """Labels of a table, at most MOST_LABELS at once, as soon as nothing more comes for WAIT_S.

    The first line names the columns: part or record, and was; others are passed over. Raises InputError without them.
    """
    columns: list[str] | None = None
    batch = Batch([], [])
    for number, line in lines(fd):
        if line is None:  # nothing more for now
            if batch.labels or batch.bad:
                yield batch
                batch = Batch([], [])
            continue
        fields = next(csv.reader([line]), [])
        if not any(each.strip() for each in fields):
            continue
        if columns is None:
            columns = _columns(fields, name)
            continue
        try:
            batch.labels.append(_label(dict(zip(columns, fields, strict=False)), words))
        except ValueError as error:
            batch.bad.append(f"{name}:{number}: {error}")
        if len(batch.labels) + len(batch.bad) >= MOST_LABELS:
            yield batch
            batch = Batch([], [])
    if columns is None:
        raise InputError(f"{name} is empty", "Its first line names the columns: part,was")
    if batch.labels or batch.bad:
        yield batch


def lines(fd: int) -> Iterator[tuple[int, str | None]]:
    """(number from 1, line) until the end; (number, None) whenever nothing came for WAIT_S."""
    kept, number = b"", 0
    while True:
        if not select.select([fd], [], [], WAIT_S)[0]:
            yield number, None
            continue
        read = os.read(fd, 65_536)
        *whole, kept = (kept + read).split(b"\n")
        if not read and kept:
            whole, kept = [kept], b""
        for line in whole:
            number += 1
            yield number, line[:LONGEST_LINE_BYTES].decode("utf-8-sig", errors="replace")
        kept = kept[: LONGEST_LINE_BYTES + 1]
        if not read:
            return


def _columns(fields: list[str], name: str) -> list[str]:
    columns = [each.strip().lower() for each in fields]
    if "was" not in columns or not {"part", "record"} & set(columns):
        raise InputError(
            f"{name}:1: the columns {', '.join(columns)} don't tell what was looked at and how it was",
            "Begin the table with a line such as: part,was",
        )
    return columns


def _label(row: dict[str, str], words: Words) -> dict[str, Any]:
    what = "part" if row.get("part", "").strip() else "record"
    text = row.get(what, "").strip()
    if not text.isdecimal() or len(text) > 20:
        raise ValueError(f"{text!r} is no number of a {what}")
    label = {what: int(text), "was": row.get("was", "").strip()}
    label_of(label, words)
    return label
