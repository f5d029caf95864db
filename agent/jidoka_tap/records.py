"""The long way to a record: of new names or shapes, with padding, large, with pictures, with tensors not sent.

The short way, for what repeats, is `Tap.record`.
"""

import socket
import struct
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from jidoka_tap import wire
from jidoka_tap.arena import Arena
from jidoka_tap.choice import Choice, as_arrays
from jidoka_tap.layout import NOT_IN_ARENA, Layout, Times, Where, lay_out
from jidoka_tap.link import SEND_FLAGS, send
from jidoka_tap.notes import Notes
from jidoka_tap.terms import NO_TERMS, Terms

MOST_CHOICES = 64  # sets of names that are remembered; an application that varies more starts afresh


class Call(NamedTuple):
    """One call of the model. number: of its record; flags: of the record's header; picture: a thumbnail, or None."""

    number: int
    times: Times
    where: Where
    flags: int
    output_names: Optional[Sequence[str]]
    outputs: Sequence[Any]
    feed: Any
    picture: Any


class Usual(NamedTuple):
    """What the short way needs: names asked for, number of names fed, which outputs (None = all), inputs to add,
    shape and element type of each, and what makes the record."""

    names: Optional[List[str]]
    fed: int
    pick: Optional[List[int]]
    inputs: List[str]
    kinds: List[Any]
    layout: Layout
    frame: Optional[bytearray]


class Records:
    """Makes and sends the records of one model. All methods under the tap's lock.

    not_sent: tensors that were only named; arena_full: records of which some were, for want of room in the arena.
    """

    def __init__(self, inputs: Sequence[str], outputs: Sequence[str], notes: Notes) -> None:
        self._inputs, self._outputs, self._notes = inputs, outputs, notes
        self.not_sent = self.arena_full = 0
        self.begin(NO_TERMS, None)

    def begin(self, terms: Terms, arena: Optional[Arena]) -> None:
        """New terms; what was remembered for the old ones is forgotten, and with it the mapping of their arena."""
        self._terms, self._arena = terms, arena
        self._choices: Dict[Tuple[Any, ...], Choice] = {}

    @property
    def arena(self) -> Optional[Arena]:
        """Where large tensors go, None = nowhere."""
        return self._arena

    def send_any(self, sock: socket.socket, call: Call, has_inputs: bool) -> Optional[Usual]:
        """Send the record of any call; returns what the short way needs for the next like it, if that can have it.

        Raises OSError: full, or gone.
        """
        choice = self._choose(call, has_inputs)
        values = choice.values(call.outputs, call.feed, call.picture)
        layout = choice.layout
        if layout is None or not layout.fits(values):
            values = as_arrays(values)
            if layout is None or not layout.fits(values):
                layout = choice.layout = self._lay_out(choice, values)
        self.send(sock, layout, call.number, call.times, call.where, values, call.flags)
        if choice.usual_inputs is None or layout.unknown:
            return None
        names = list(call.output_names) if call.output_names else None
        return Usual(
            names, len(call.feed), choice.pick, choice.usual_inputs, layout.kinds, layout, layout.usual_frame,
        )  # fmt: skip

    def send(
        self,
        sock: socket.socket,
        layout: Layout,
        number: int,
        times: Times,
        where: Where,
        values: Sequence[Any],
        flags: int,
    ) -> None:
        """Send values that fit the layout. Raises OSError."""
        slot, arena = NOT_IN_ARENA, self._arena
        if layout.in_arena:
            assert arena is not None
            slot = arena.free_slot()
            if slot == NOT_IN_ARENA:
                assert layout.spare is not None
                layout = layout.spare
                self._notes.once(
                    "the monitor hasn't freed a place for large tensors: some aren't sent (arena_full)"
                )
        try:
            pieces = layout.pieces(number, times, where, values, flags, slot)
        except struct.error:
            self._notes.once(
                "part=%r, position=%r, recipe=%r aren't a whole number below 2**64 and two below 2**16: "
                "the record goes without them" % where
            )
            pieces = layout.pieces(number, times, (0, 0, 0), values, flags, slot)
        if slot == NOT_IN_ARENA:
            send(sock, pieces, layout.body_bytes)
        else:
            assert arena is not None
            # after the copy the caches are cold: what can be done before it is
            datagram = b"".join(pieces) if layout.is_joined else None
            words, begun = arena.words, arena.begun[slot]
            words[begun] = number
            for n, view in layout.views_of.get(slot) or layout.views(arena, slot):
                view[...] = values[n]  # numpy.copyto does the same and takes longer to begin
            words[begun + 1] = number
            if datagram is None:
                send(sock, pieces, layout.body_bytes)
            else:
                sock.send(datagram, SEND_FLAGS)
            arena.last[slot] = number
        if layout.not_sent:
            self.not_sent += len(layout.not_sent)
            if layout.too_large and arena is not None:
                self.arena_full += 1

    def _choose(self, call: Call, has_inputs: bool) -> Choice:
        """Which tensors this call's record has; remembered for calls with the same names."""
        asked = list(call.output_names) if call.output_names else None
        fed = list(call.feed) if has_inputs else []
        has_picture = call.picture is not None
        remembered = (tuple(asked or ()), tuple(fed), has_picture)
        choice = self._choices.get(remembered)
        if choice is None:
            if len(self._choices) >= MOST_CHOICES:
                self._choices.clear()
            choice = self._choices[remembered] = Choice(
                self._outputs, self._inputs, asked, fed, self._terms, has_picture
            )
            if choice.missing:
                names = ", ".join(repr(name) for name in choice.missing)
                self._notes.once("the application doesn't ask for %s: the monitor doesn't see it" % names)
        return choice

    def _lay_out(self, choice: Choice, arrays: Sequence[Any]) -> Layout:
        slot_bytes = self._terms.slot_bytes if self._arena is not None else 0
        layout = lay_out(choice.places, arrays, self._terms.inline_limit_bytes, slot_bytes)
        for n in layout.not_sent:
            (role, index), array = choice.places[n], arrays[n]
            if n in layout.too_large:
                limit = max(self._terms.inline_limit_bytes, slot_bytes)
                why = "with its %d bytes the record has more than %d" % (array.nbytes, limit)
            elif array.dtype not in wire.DTYPE_NUMBERS:
                why = "it isn't an array of numbers that the wire knows"
            else:
                why = "it has %d axes, at most %d fit" % (array.ndim, wire.MAX_NDIM)
            self._notes.once("%s isn't sent to the monitor: %s" % (self._named(role, index), why))
        return layout

    def _named(self, role: int, index: int) -> str:
        if index == wire.THUMBNAIL and role == wire.INPUT:
            return "the picture of tap.image()"
        return "output %r" % self._outputs[index] if role == wire.OUTPUT else "input %r" % self._inputs[index]
