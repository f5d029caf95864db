"""What the monitor says of one record, as the application gets it."""

from typing import NamedTuple, Sequence, Tuple

LEVELS = ("pass", "suspect", "reject")


class Verdict(NamedTuple):
    """record: its number, 0 if it was never sent; level: "pass", "suspect" or "reject"; part_level: the worst of all
    records of this part so far; reasons: sentences; is_silent: no verdict came, `level` is what the gate was told to
    do then."""

    record: int
    part: int
    level: str
    part_level: str
    reasons: Tuple[str, ...]
    is_silent: bool


class Rejected(RuntimeError):  # noqa: N818 - a judgement, not an error of the program
    """The outputs of this call must not be used. verdict: why."""

    def __init__(self, model: str, verdict: Verdict) -> None:
        super().__init__(
            "%s: the record %s: %s"
            % (
                model,
                "was not judged" if verdict.is_silent else "is rejected",
                "; ".join(verdict.reasons) or "no reason given",
            )
        )
        self.verdict = verdict


def texts_of(bits: int, reasons: Sequence[Tuple[int, str]]) -> Tuple[str, ...]:
    """The sentences for a verdict's reason bits."""
    texts = dict(reasons)
    return tuple(texts.get(bit, "reason %d" % bit) for bit in range(32) if bits >> bit & 1)
