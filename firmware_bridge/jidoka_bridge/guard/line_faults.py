"""Why beats stay bad, as a sentence for a person: a silent PLC, another station, another register map, a bad line."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jidoka_bridge.plan import Link

#: a first lost beat is no fault yet, and what a noisy line says changes from beat to beat
STANDS_NS = 1_000_000_000
REMEDY = (
    "Check that the PLC runs its program, the cable, and unit, baud and parity; the guard goes on trying."
)

MAP_REMEDY = (
    "Load the PLC program that belongs to this version (jidoka plc handover makes it), or install the version that "
    "belongs to the PLC's; nothing is armed before they fit."
)
MASTER_REMEDY = "Disconnect the other master: one guard alone may write to the PLC. Then restart this guard."
REGISTERS_REMEDY = "See that the PLC has the registers of docs/registers.md, all of them free to be written."
SETTINGS_REMEDY = "Give the PLC and plc.baud, plc.parity the same values, and make the plan anew; check shield and termination."
APPROVE_REMEDY = "Approve it at the machine: key in AUTO for 5 s, then to OVERRIDE, hold the reset button for 4 s, let go, turn the key back to AUTO."
FUNCTION_REMEDY = "Set plc.function to auto or 16+03, and make the plan anew."

#: reason of the link's session, or what the driver counted -> sentence; fields of the link and {wait} fill it
SENTENCES: dict[str, str] = {
    "no answer": "the PLC at {port} doesn't answer as unit {unit} within {wait} ms",
    "no echo": "{port} doesn't echo what is sent, but the plan has echo: true",
    "echo altered": "{port} echoes something else than was sent: another station sends at the same time",
    "other unit": "what comes back at {port} isn't from unit {unit}: another station, or another baud or parity",
    "incomplete answer": "the PLC at {port} begins an answer and doesn't end it within {wait} ms",
    "babble": "{port} receives bytes without pause: baud, parity or a disturbed line",
    "line crc": "answers at {port} come garbled (CRC): baud, parity or a disturbed line",
    "not modbus tcp": "what answers at {port} doesn't speak Modbus TCP",
    "other answer": "what answers at {port} answers something else than was asked",
    "other transaction": "the PLC at {port} answers too late, to requests that were given up",
    "block length": "the PLC at {port} has another register map (its block B has another length)",
    "block crc": "the PLC at {port} has another register map or unit than this program (CRC of block B)",
    "block format": "the PLC at {port} has another format of the register map",
    "block code": "the PLC at {port} sends a code that this program doesn't know",
    "counter stands still": "the PLC at {port} answers, but its program doesn't run (its counter stands still)",
    "number": "the PLC at {port} answers, but doesn't take what is written: does another master write to it",
    "no offer": "the PLC at {port} answers but offers no session: another master begins at the same time, or its program is another one",
    "block D": "the PLC at {port} doesn't take block D (registers 20 to 31), before which nothing is armed",
    "not approved": "the PLC at {port} has approved another plan than this one",
    "framing": "{port} receives characters with framing errors: the PLC has another baud than {baud}, or the line is disturbed",
    "parity": "{port} receives characters with parity errors: the PLC has another parity than {parity}, or the line is disturbed",
    "foreign": "somebody else speaks to the PLC at {port}: a session stands there that isn't this guard's",
    "exception 1": "the PLC at {port} doesn't know the function code (Modbus exception 1)",
}
#: where the remedy is another one
REMEDIES: dict[str, str] = {
    "block length": MAP_REMEDY,
    "block crc": MAP_REMEDY,
    "block format": MAP_REMEDY,
    "block code": MAP_REMEDY,
    "counter stands still": "Put the PLC in RUN; the guard goes on trying.",
    "number": MASTER_REMEDY,
    "foreign": MASTER_REMEDY,
    "no offer": MASTER_REMEDY,
    "block D": REGISTERS_REMEDY,
    "not approved": APPROVE_REMEDY,
    "framing": SETTINGS_REMEDY,
    "parity": SETTINGS_REMEDY,
    "echo altered": "Find the other station on the line; the line is point to point.",
    "no echo": "Set plc.echo to false, or see why the adapter doesn't hear itself.",
    "exception 1": FUNCTION_REMEDY,
    "exception 2": REGISTERS_REMEDY,
    "exception 3": REGISTERS_REMEDY,
}
EXCEPTION = (
    "the PLC at {port} refuses the request (Modbus {why}): does it have the registers of docs/registers.md"
)
UNKNOWN = "what the PLC at {port} answers can't be used ({why})"
#: these say nothing about the line
EMPTY = frozenset({"", "resync pause", "nothing asked"})


def other_function(link: Link, least_ms: float) -> tuple[str, str]:
    """What to say, and to do, about a PLC without function code 23. least_ms: what a beat takes there."""
    what = f"the PLC at {link.port} has no function code 23: a beat goes over by 16 and 03 and takes {least_ms:g} ms"
    if link.beat_ms >= least_ms:
        return what, ""
    return (
        f"{what}, {link.beat_ms} ms are planned, so fewer lost beats are borne than planned",
        "Set plc.function to 16+03, and make the plan anew: beat and hold time are then computed for it.",
    )


#: (framing, parity) errors so far, as the port's driver counts them; None where it doesn't
Errors = Callable[[], Sequence[int] | None]
NOT_COUNTED: Errors = lambda: None  # noqa: E731 - a value, of this type


class Watch:
    """One line's diagnosis: the same sentence for a second at least, "" while the link is good. `remedy` goes with it."""

    def __init__(self, link: Link) -> None:
        self.remedy = REMEDY
        self._link = link
        self._lack = ""
        self._since_ns: int | None = None
        self._errors: Sequence[int] | None = None

    def lack(
        self, now_ns: int, is_up: bool, why: str, errors: Errors = NOT_COUNTED, *,
        skew: str = "", foreign: bool = False, is_unoffered: bool = False,
        is_unapproved: bool = False, is_unrecorded: bool = False,
    ) -> str:  # fmt: skip
        """The sentence after a beat. is_up: the beat was good, or the link still stands; why: of a bad beat.

        skew: why the PLC's program doesn't fit, which stands whatever the beats are; foreign: somebody else's session;
        is_unoffered: the PLC answers and offers none; is_unapproved: another plan is approved there;
        is_unrecorded: it refuses block D.
        """
        if skew:
            self.forget()
            self.remedy = MAP_REMEDY
            self._lack = f"{self._link.port}: {skew}"
        elif is_unoffered:
            self.forget()
            self._say("no offer")
        elif is_up and (is_unrecorded or is_unapproved):
            self.forget()
            self._say("block D" if is_unrecorded else "not approved")
        elif is_up:
            self.forget()
        elif self._since_ns is None:
            self._since_ns = now_ns
            self._errors = errors()
        elif why not in EMPTY and now_ns - self._since_ns >= STANDS_NS:
            self._since_ns = now_ns
            self._say("foreign" if foreign else self._counted(errors()) or why)
        return self._lack

    def forget(self) -> None:
        """The link is good, or the port was lost: what was said of the beats doesn't hold any more."""
        self._lack = ""
        self._since_ns = None

    def _counted(self, errors: Sequence[int] | None) -> str:
        """What the driver has counted since the last time: `framing` before `parity`, for a wrong baud gives both."""
        before, self._errors = self._errors, errors
        if errors is None or before is None:
            return ""
        return "framing" if errors[0] > before[0] else "parity" if errors[1] > before[1] else ""

    def _say(self, why: str) -> None:
        form = SENTENCES.get(why, EXCEPTION if why.startswith("exception") else UNKNOWN)
        link = self._link
        self._lack = form.format(
            port=link.port,
            unit=link.unit,
            wait=link.reply_timeout_ms,
            baud=link.baud,
            parity=link.parity,
            why=why,
        )
        self.remedy = REMEDIES.get(why, REMEDY)
