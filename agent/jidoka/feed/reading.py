"""From bytes to lines to fields: JSON, table or log, each line by itself; a bad one is an answer, never an error."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from jidoka.feed.mapping import FeedSettings

LONGEST_LINE_BYTES = 1 << 20


class BadLineError(Exception):
    """A line that gives no record. cause: one of few words, which are counted; detail: what is wrong with this one."""

    def __init__(self, cause: str, detail: str) -> None:
        super().__init__(f"{cause}: {detail}" if detail else cause)
        self.cause = cause


class Lines:
    """Bytes as they come, whole lines as they go; one that never ends is cut off and told as None. Memory is bounded."""

    def __init__(self, longest: int = LONGEST_LINE_BYTES) -> None:
        self._longest = longest
        self._rest = bytearray()
        self._is_cut = False

    def take(self, chunk: bytes) -> list[bytes | None]:
        """The lines that this chunk ends, without their ends."""
        found: list[bytes | None] = []
        *ended, rest = chunk.split(b"\n")
        for piece in ended:
            self._add(piece)
            found.append(None if self._is_cut else bytes(self._rest).removesuffix(b"\r"))
            self._rest.clear()
            self._is_cut = False
        self._add(rest)
        return found

    def end(self) -> list[bytes | None]:
        """The last line, where nothing ended it."""
        return self.take(b"\n") if self._rest or self._is_cut else []

    def _add(self, piece: bytes) -> None:
        self._is_cut = self._is_cut or len(self._rest) + len(piece) > self._longest
        if self._is_cut:
            self._rest.clear()
        else:
            self._rest += piece


Fields = Callable[[str], Any]
"""The value of a field by its name. Raises BadLineError where the line has none."""


class Entry(NamedTuple):
    """A line of a stream. where: the stream and the line's number, for people; fault: why it gives no record."""

    where: str
    fields: Fields
    fault: BadLineError | None = None


def _no_fields(name: str) -> Any:
    raise BadLineError("no such field", name)


class Stream:
    """One sequence of lines with its own numbering, and its own header where it is a table.

    Lines that say nothing (empty ones, a header, log lines without the pattern) are passed over; the last are counted.
    """

    def __init__(self, feed: FeedSettings, label: str) -> None:
        self.label = label
        self.unmatched = 0
        self._feed = feed
        self._lines = Lines()
        self._number = 0
        self._columns: list[str] | None = feed.columns
        self._pattern = re.compile(feed.pattern) if feed.pattern is not None else None

    def take(self, chunk: bytes) -> list[Entry]:
        return self._entries(self._lines.take(chunk))

    def end(self) -> list[Entry]:
        """What is left when no more will come; the next chunk begins a new stream."""
        entries = self._entries(self._lines.end())
        self._number = 0
        self._columns = self._feed.columns
        return entries

    def _entries(self, lines: list[bytes | None]) -> list[Entry]:
        found = []
        for line in lines:
            self._number += 1
            if line is not None and not line.strip():
                continue
            where = f"{self.label}:{self._number}"
            try:
                if line is None:
                    raise BadLineError("too long", f"more than {LONGEST_LINE_BYTES} bytes")
                fields = self._read(line)
            except BadLineError as error:
                error.__context__ = None  # with its frames it would hold what was read
                found.append(Entry(where, _no_fields, error.with_traceback(None)))
            else:
                if fields is not None:
                    found.append(Entry(where, fields))
        return found

    def _read(self, line: bytes) -> Fields | None:
        try:
            text = line.decode("utf-8-sig" if self._number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise BadLineError("not UTF-8", f"at byte {error.start + 1}") from None
        if self._feed.format == "json":
            return of_json(text)
        if self._pattern is not None:
            match = self._pattern.search(text)
            if match is None:
                self.unmatched += 1
                return None
            return _of_mapping(
                {name: value for name, value in match.groupdict().items() if value is not None}
            )
        return self._row(text)

    def _row(self, text: str) -> Fields | None:
        separator = self._feed.separator
        try:
            cells = text.split() if separator == " " else next(csv.reader([text], delimiter=separator))
        except csv.Error as error:
            raise BadLineError("not a row", str(error)) from None
        if self._columns is None:
            self._columns = [cell.strip() for cell in cells]
            return None
        if len(cells) != len(self._columns):
            raise BadLineError("not a row", f"{len(cells)} columns instead of {len(self._columns)}")
        return _of_mapping(dict(zip(self._columns, cells, strict=True)))


def of_json(text: str) -> Fields:
    """The fields of a JSON value: a path of keys and indices with dots between them."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadLineError("not JSON", getattr(error, "msg", "nested too deeply")) from None

    def field(path: str) -> Any:
        if isinstance(value, dict) and path in value:
            return value[path]
        found = value
        for key in path.split("."):
            if isinstance(found, dict) and key in found:
                found = found[key]
            elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
                found = found[int(key)]
            else:
                raise BadLineError("no such field", path)
        return found

    return field


def _of_mapping(values: Mapping[str, str]) -> Fields:
    def field(name: str) -> str:
        try:
            return values[name]
        except KeyError:
            raise BadLineError("no such field", name) from None

    return field
