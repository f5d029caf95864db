"""While a baseline is learned: embeddings of its first half are fitted, those of the second are held against the fit.

The detectors' promise rests on records that are like those of the reference. A record that the fit itself was made of
lies nearer to it than any that comes later, so the two halves are kept apart: the first has no embedding features.
"""

from __future__ import annotations

from jidoka.monitor.baseline import Key
from jidoka.monitor.features import Extractor
from jidoka.monitor.features.embedding_fit import Fit, Sample


class Fitting:
    """The fits by (recipe, position) and output. wanted: records (or parts) that the baseline will have."""

    def __init__(self, wanted: int) -> None:
        self.fits: dict[Key, dict[str, Fit]] = {}
        self._half = wanted // 2
        self._samples: dict[Key, dict[str, Sample]] = {}

    def take(self, key: Key, extractor: Extractor) -> None:
        """A record that may be learned from was just extracted."""
        if key in self.fits:
            return
        samples = self._samples.setdefault(key, {})
        for block in extractor.embeddings:
            if block.rows is not None:
                samples.setdefault(block.name, Sample()).add(block.rows)

    def learned(self, key: Key, count: int, extractor: Extractor) -> None:
        """So many records (or parts) of this recipe and position were learned: at the first half the fit is made."""
        if count < self._half or key in self.fits or not extractor.embeddings:
            return
        found = {name: sample.fit() for name, sample in self._samples.pop(key, {}).items()}
        self.fits[key] = {name: fit for name, fit in found.items() if fit is not None}
        extractor.use(*key, self.fits[key])
