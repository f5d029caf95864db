"""State vectors from a CSV file: one row a sample, columns by the names of the channels or by their order."""

from __future__ import annotations

import csv
import logging
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jidoka_bridge.errors import InputError
from numpy.typing import NDArray

from jidoka.config.faults import near
from jidoka.host.sources.sample import Sample, Source

log = logging.getLogger(__name__)

#: what stands in a cell whose value is missing
MISSING = frozenset(("", "nan", "na", "n/a", "null", "none", "-"))
LONGEST_LINE = 1 << 20


class Cell(NamedTuple):
    """Text, and the column of its first character in the line, from 1."""

    text: str
    column: int


class States(Source):
    """The rows of a table. wanted: the channels of the model's inputs, or nothing where the manifest names none.

    With a header and `wanted`, columns are taken by name and the others passed over; otherwise every column is one
    entry, in order. Empty cells and NaN stay NaN: it is for the monitor to say that a value is missing.
    The separator is the first of tab, `;` and `,` in the first line, else white space.
    Raises InputError with file:line:column.
    """

    def __init__(self, file: Path, wanted: Sequence[str] = (), is_looped: bool = False) -> None:
        self.text = str(file)
        self._file, self._wanted, self._is_looped = file, tuple(wanted), is_looped
        self._place = 0
        self._separator: str | None = None
        self._picked: list[int] | None = None
        self._width = 0
        self.channels: tuple[str, ...] = ()
        self._rows = self._open()
        self._held: tuple[int, list[Cell]] | None = None
        first = next(self._rows, None)
        if first is None:
            raise self._fault(1, "has no rows", "Give a table with a row for each sample.")
        self._width = len(first[1])
        if _is_header(first[1], self._wanted):
            self._name_columns(*first)
        else:
            self._held = first
            if self._wanted and len(self._wanted) != self._width:
                raise self._fault(
                    first[0],
                    f"{self._width} columns without names, the model's inputs have {len(self._wanted)} channels",
                    "Add a header line with the channels' names, or write one column for each, in their order.",
                )
            self.channels = self._wanted

    def take(self, now_ns: int = 0) -> Sample | None:
        del now_ns
        row, self._held = self._held or next(self._rows, None), None
        if row is None and self._is_looped and self._place:
            self._rows = self._open()
            row = next(self._rows, None)
            if row is not None and _is_header(row[1], self._wanted):
                row = next(self._rows, None)
        if row is None:
            self.has_ended = True
            return None
        number, cells = row
        if len(cells) != self._width:
            raise self._fault(
                number, f"{len(cells)} columns, the first line has {self._width}", "Mend or remove this line."
            )
        picked = cells if self._picked is None else [cells[index] for index in self._picked]
        state: NDArray[np.float64] = np.array([self._number(number, cell) for cell in picked], np.float64)
        place, self._place = self._place, self._place + 1
        return Sample(f"{self._file.name}:{number}", place, state=state, channels=self.channels)

    def _name_columns(self, number: int, header: list[Cell]) -> None:
        names = [cell.text for cell in header]
        if not self._wanted:
            self.channels = tuple(names)
            return
        for name in self._wanted:
            if name not in names:
                raise self._fault(
                    number, f"no column {name!r}, which the model's input has", near(name, names)
                )
            if names.count(name) > 1:
                raise self._fault(number, f"the column {name!r} is there twice", "Rename one of them.")
        self._picked = [names.index(name) for name in self._wanted]
        self.channels = self._wanted
        unused = [name for name in names if name not in self._wanted]
        if unused:
            log.info("%s: columns that the model doesn't take: %s", self._file, ", ".join(unused))

    def _open(self) -> Iterator[tuple[int, list[Cell]]]:
        """Rows with the number of their line; empty lines are passed over."""
        try:
            with self._file.open(encoding="utf-8-sig", newline="") as lines:
                number = 0
                while line := lines.readline(LONGEST_LINE):
                    number += 1
                    if len(line) >= LONGEST_LINE:
                        raise self._fault(number, "is longer than a million characters", "Give a table.")
                    if line.strip():
                        yield number, self._cells(number, line.rstrip("\r\n"))
        except UnicodeDecodeError:
            raise InputError(f"{self._file}: isn't UTF-8 text.", "Save the table as CSV in UTF-8.") from None
        except OSError as error:
            raise InputError(
                f"{self._file}: can't be read: {error.strerror}.", "Give a file that this user may read."
            ) from None

    def _cells(self, number: int, line: str) -> list[Cell]:
        if self._separator is None:
            self._separator = next((each for each in "\t;," if each in line), " ")
        if self._separator == " ":
            words, at = line.split(), 0
            cells = []
            for word in words:
                at = line.index(word, at)
                cells.append(Cell(word, at + 1))
                at += len(word)
            return cells
        cells, column = [], 1
        try:
            texts = next(csv.reader([line], delimiter=self._separator))
        except csv.Error as error:
            raise self._fault(number, f"isn't a line of a table: {error}", "Mend or remove it.") from None
        for text in texts:
            quoted = 2 + text.count('"') if line[column - 1 : column] == '"' else 0
            cells.append(Cell(text.strip(), column))
            column += len(text) + quoted + 1
        return cells

    def _number(self, line: int, cell: Cell) -> float:
        try:
            return float(cell.text)
        except ValueError:
            if cell.text.lower() in MISSING:
                return math.nan
        remedy = "Write numbers with a decimal point; an empty cell is a missing value."
        if not self._wanted:
            remedy = "Write a number, or name the input's channels in the manifest: other columns are passed over then."
        raise InputError(f"{self._file}:{line}:{cell.column}: {cell.text[:40]!r} isn't a number.", remedy)

    def _fault(self, line: int, what: str, remedy: str) -> InputError:
        return InputError(f"{self._file}:{line}:1: {what}.", remedy)


def _is_header(cells: Sequence[Cell], wanted: Sequence[str]) -> bool:
    """The first line names the columns if it holds every wanted name, or mostly what can't be a value."""
    texts = [cell.text for cell in cells]
    if wanted and set(wanted) <= set(texts):
        return True
    return 2 * sum(_is_name(text) for text in texts) > len(texts)


def _is_name(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text.lower() not in MISSING
    return False
