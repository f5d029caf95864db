"""The known answers, shown by whoever runs the model: after a start, and when somebody at the machine asks for them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from jidoka_tap import show_known_answers
from jidoka_tap.known_answers import KnownAnswers, load

log = logging.getLogger(__name__)


class Shower:
    """Looks at what the monitor wants to see. session: a watched one; file: of the set, None = there is none.

    The set is shown once when the monitor has taken us for the first time, and whenever it was asked for since.
    """

    def __init__(self, session: Any, file: Path | None) -> None:
        self._session = session
        self._known: KnownAnswers | None = None
        self._is_due = file is not None
        try:
            self._known = None if file is None else load(file)
        except (OSError, ValueError) as error:
            log.error(
                "%s: the known answers can't be read: %s. Start the agent anew after it is mended.",
                file,
                error,
            )

    def look(self) -> None:
        """Show them if it is time. Call it once a second or so, between two inferences."""
        tap = self._session.tap
        if self._known is None or not (self._is_due or tap.asked) or not tap.counts.is_connected:
            return
        wanted = tap.terms.known_answers
        self._is_due = False
        if wanted != self._known.digest:
            tap.asked = ""
            log.error(
                "the monitor's plan wants another set of known answers than this one: start the agent anew"
            )
            return
        sent = show_known_answers(self._session, self._known)
        log.info("%d known answers were shown to the model", sent)
