"""What the monitor refused, by model and reason: counted each time, told now and then."""

from __future__ import annotations

from collections import Counter

from jidoka_bridge.refusals import REFUSALS

#: a refusal is told at once, and when more of its kind came, again after this
TELL_AGAIN_NS = 60_000_000_000


class Refused:
    """counts: (model or "", reason) -> refusals so far; reasons of jidoka_bridge.refusals only."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self._told: dict[tuple[str, str], tuple[int, int]] = {}  # -> count and time of the last sentence
        self._news: list[str] = []

    def add(self, model: str, reason: str, now_ns: int, remedy: str = "") -> None:
        """One more. model: "" where it isn't known; remedy: said with the first of its kind."""
        assert reason in REFUSALS, reason
        key = (model, reason)
        self.counts[key] += 1
        if key not in self._told:
            self._told[key] = (1, now_ns)
            self._news.append(_sentence(model, reason) + (f". {remedy}" if remedy else ""))

    def total(self, model: str) -> int:
        """Everything of a model that was refused."""
        return sum(count for (name, _), count in self.counts.items() if name == model)

    def take_news(self, now_ns: int) -> list[str]:
        """Sentences for log and ledger since the last call: at most one for each model and reason a minute."""
        news, self._news = self._news, []
        for key, (count, told_ns) in self._told.items():
            more = self.counts[key] - count
            if more and now_ns - told_ns >= TELL_AGAIN_NS:
                self._told[key] = (self.counts[key], now_ns)
                news.append(f"{_sentence(*key)}: {more} more in {(now_ns - told_ns) * 1e-9:.0f} s")
        return news


def _sentence(model: str, reason: str) -> str:
    return f"{model or 'an unknown tap'} was refused ({reason}): {REFUSALS[reason]}"
