"""Why beats stay bad, as a sentence for a person: a silent PLC, another station, another register map, a bad line."""

from __future__ import annotations

from jidoka_bridge.plan import Link

#: a first lost beat is no fault yet, and what a noisy line says changes from beat to beat
STANDS_NS = 1_000_000_000
REMEDY = (
    "Check that the PLC runs its program, the cable, and unit, baud and parity; the guard goes on trying."
)

#: reason of the link's session -> sentence; {port}, {unit} and {wait} fill it
SENTENCES: dict[str, str] = {
    "no answer": "the PLC at {port} doesn't answer as unit {unit} within {wait} ms",
    "no echo": "{port} doesn't echo what is sent, but the plan has echo: true",
    "echo altered": "{port} echoes something else than was sent: another station sends at the same time",
    "other unit": "what comes back at {port} isn't from unit {unit}: another station, or another baud or parity",
    "incomplete answer": "the PLC at {port} begins an answer and doesn't end it within {wait} ms",
    "babble": "{port} receives bytes without pause: baud, parity or a disturbed line",
    "line crc": "answers at {port} come garbled (CRC): baud, parity or a disturbed line",
    "block length": "the PLC at {port} has another register map (its block B has another length)",
    "block crc": "the PLC at {port} has another register map or unit than this program (CRC of block B)",
    "block format": "the PLC at {port} has another format of the register map",
    "block code": "the PLC at {port} sends a code that this program doesn't know",
    "counter stands still": "the PLC at {port} answers, but its program doesn't run (its counter stands still)",
    "number": "the PLC at {port} answers, but doesn't take what is written: does another master write to it",
}
EXCEPTION = (
    "the PLC at {port} refuses the request (Modbus {why}): does it have the registers of docs/registers.md"
)
UNKNOWN = "what the PLC at {port} answers can't be used ({why})"
#: these say nothing about the line
EMPTY = frozenset({"", "resync pause", "nothing asked"})


class Watch:
    """One line's diagnosis: the same sentence for a second at least, "" while the link is good."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._lack = ""
        self._since_ns: int | None = None

    def lack(self, now_ns: int, is_up: bool, why: str) -> str:
        """The sentence after a beat. is_up: the beat was good, or the link still stands; why: of a bad beat."""
        if is_up:
            self.forget()
        elif self._since_ns is None:
            self._since_ns = now_ns
        elif why not in EMPTY and now_ns - self._since_ns >= STANDS_NS:
            self._since_ns = now_ns
            self._lack = self._sentence(why)
        return self._lack

    def forget(self) -> None:
        """The link is good, or the port was lost: what was said of the beats doesn't hold any more."""
        self._lack = ""
        self._since_ns = None

    def _sentence(self, why: str) -> str:
        form = SENTENCES.get(why, EXCEPTION if why.startswith("exception") else UNKNOWN)
        link = self._link
        return form.format(port=link.port, unit=link.unit, wait=link.reply_timeout_ms, why=why)
