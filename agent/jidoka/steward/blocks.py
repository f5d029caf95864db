"""Gathers verdicts into decision blocks of 256, with the open block of each model spooled beside the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from jidoka_bridge.messages import Decision

from jidoka.steward.ledger.decisions import BLOCK_ROWS, Block, decode_head
from jidoka.steward.ledger.format import Entry, FormatError, Kind
from jidoka.steward.ledger.removed import removed_of
from jidoka.steward.ledger.spool import OpenBlock, encode_rows, spool_paths
from jidoka.steward.ledger.writer import Ledger


class Blocks:
    """The open blocks. Feed `restore` with the ledger's entries, then `resume`, then `add`."""

    def __init__(self, boot: bytes, wall_offset_ns: int) -> None:
        self._boot = boot
        self._wall_offset_ns = wall_offset_ns
        self._serials: dict[str, int] = {}
        self._open: dict[str, OpenBlock] = {}

    def restore(self, entry: Entry) -> None:
        """A decision block that is in the ledger already, or was."""
        if entry.kind is Kind.DECISIONS:
            head = decode_head(entry.body)
            self._serials[head.model] = head.serial
        elif entry.kind is Kind.REMOVED:
            self._serials.update({each.model: each.serial for each in removed_of(entry).gone if each.model})

    def resume(self, ledger: Ledger, models: Iterable[str], now_ns: int, wall_ns: int) -> list[str]:
        """Take up the spools: go on with a block of this boot, close one of an earlier boot or of a model that the
        plan no longer has. Returns what couldn't be read, one sentence a spool."""
        known, unreadable = set(models), []
        for path in spool_paths(ledger.path):
            try:
                block = OpenBlock.decode(path.read_bytes())
            except (FormatError, OSError, UnicodeDecodeError) as error:
                unreadable.append(f"{path.name}: {error}")
                _put_aside(path)
                continue
            if block.serial <= self._serials.get(block.model, 0):
                path.unlink()  # its block was committed just before the end
                continue
            self._open[block.model] = block
            if block.boot != self._boot or block.model not in known:
                self._close(ledger, block, now_ns, wall_ns)
            if block.model in known:
                current = self._block(block.model)
                ledger.spool(block.model, current.encode(), now_ns, is_fresh=True)
        return unreadable

    def add(self, ledger: Ledger, model: str, rows: list[Decision], now_ns: int, wall_ns: int) -> None:
        """Verdicts of one model, oldest first."""
        while rows:
            block = self._block(model)
            is_fresh = not block.rows
            taken, rows = rows[: BLOCK_ROWS - len(block.rows)], rows[BLOCK_ROWS - len(block.rows) :]
            block.rows.extend(taken)
            if len(block.rows) == BLOCK_ROWS:
                self._close(ledger, block, now_ns, wall_ns)
            elif is_fresh:
                ledger.spool(model, block.encode(), now_ns, is_fresh=True)
            else:
                ledger.spool(model, encode_rows(taken), now_ns, is_fresh=False)

    def close_all(self, ledger: Ledger, now_ns: int, wall_ns: int) -> None:
        """An orderly stop: what was gathered so far becomes a block, so that the file alone tells the whole story."""
        for block in list(self._open.values()):
            self._close(ledger, block, now_ns, wall_ns)

    def _block(self, model: str) -> OpenBlock:
        block = self._open.get(model)
        if block is None:
            serial = self._serials.get(model, 0) + 1
            block = self._open[model] = OpenBlock(model, serial, self._boot, self._wall_offset_ns)
        return block

    def _close(self, ledger: Ledger, block: OpenBlock, now_ns: int, wall_ns: int) -> None:
        del self._open[block.model]
        if not block.rows:
            return
        body = Block(
            block.model, block.serial, block.boot, block.wall_offset_ns, tuple(block.rows)
        ).encode()  # fmt: skip
        if ledger.append(Kind.DECISIONS, body, now_ns, wall_ns) is not None:
            self._serials[block.model] = block.serial


def _put_aside(path: Path) -> None:
    path.replace(path.with_name(path.name.replace(".spool-", ".unreadable-spool-")))
