"""Naive twins of the numba kernels: plain numpy and scipy, slow, written from the definitions."""

from __future__ import annotations

import numpy as np
from scipy import special, stats

SHIFTS = (0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8)


def frame_features(frames: np.ndarray, scale: float = 1.0, offset: float = 0.0) -> tuple[np.ndarray, int]:
    """(brightness, contrast, sharpness, noise) of (N, H, W, C) pictures, and how many pixels aren't finite."""
    pixels = frames.astype(np.float64)
    channels = pixels.shape[-1]
    weights = {1: [1.0], 3: [0.299, 0.587, 0.114]}.get(channels, [1.0 / channels] * channels)
    luma = scale * sum(weight * pixels[..., c] for c, weight in enumerate(weights)) + offset
    bad = int((~np.isfinite(luma)).sum())
    if bad or luma.size == 0:
        return np.full(4, np.nan), bad
    sharpness = noise = np.nan
    if min(luma.shape[1:]) >= 3:
        m = luma[:, 1:-1, 1:-1]
        cross = luma[:, :-2, 1:-1] + luma[:, 2:, 1:-1] + luma[:, 1:-1, :-2] + luma[:, 1:-1, 2:]
        corners = luma[:, :-2, :-2] + luma[:, :-2, 2:] + luma[:, 2:, :-2] + luma[:, 2:, 2:]
        sharpness = (cross - 4 * m).var()
        noise = grouped_median(np.abs(corners - 2 * cross + 4 * m)) / (6 * stats.norm.ppf(0.75))
    return np.array([luma.mean(), luma.std(), sharpness, noise]), 0


def grouped_median(values: np.ndarray) -> float:
    """Median of values rounded to whole numbers, interpolated within its class (half a class at zero)."""
    counts = np.bincount(np.minimum((values + 0.5).astype(int).ravel(), 2040))
    ends = counts.cumsum()
    k = int(np.argmax(ends >= values.size / 2))
    low, high = max(k - 0.5, 0.0), k + 0.5
    return low + (values.size / 2 - (ends[k] - counts[k])) / counts[k] * (high - low)


def classifier_features(logits: np.ndarray, temperature: float = 1.0) -> tuple[np.ndarray, int, int]:
    """(top-1 confidence, entropy), top class of the first row, how many logits aren't finite."""
    bad = int((~np.isfinite(logits)).sum())
    if bad or logits.size == 0:
        return np.full(2, np.nan), -1, bad
    p = special.softmax(logits / temperature, axis=1)
    return np.array([p.max(axis=1).mean(), stats.entropy(p, axis=1).mean()]), int(logits[0].argmax()), 0


def tail_bounds(n: int, alpha: float) -> np.ndarray:
    k = np.arange(n)
    return np.append(special.betaincinv(k + 1.0, n - k.astype(float), 1 - alpha), 1.0)


def scores(x: float, reference: np.ndarray, bounds: np.ndarray, u: float) -> tuple[float, float, float]:
    """(up, down, plain) normal scores of one value, from the definitions of the p-values."""
    n = reference.size
    above, same, below = (reference > x).sum(), (reference == x).sum(), (reference < x).sum()
    up = (1 - u) * bounds[above] + u * bounds[above + same]
    down = u * bounds[below] + (1 - u) * bounds[below + same]
    plain = (below + (1 - u) * (same + 1)) / (n + 1)
    return stats.norm.isf(up), stats.norm.isf(down), stats.norm.ppf(plain)


def shiryaev_roberts(z: np.ndarray) -> list[float]:
    """The mean statistic after each record of z, (T, F, 3): the sum over every start of every bet's product."""
    means = []
    for t in range(1, len(z) + 1):
        total = 0.0
        for f in range(z.shape[1]):
            for side in (0, 1):
                for d in SHIFTS:
                    gains = np.exp(d * z[:t, f, side] - d * d / 2)
                    total += sum(np.prod(gains[start:]) for start in range(t))
        means.append(total / (14 * z.shape[1]))
    return means


def log_odds(share: np.ndarray) -> np.ndarray:
    return special.logit(np.clip(np.asarray(share, float), 1e-6, 1 - 1e-6))


def level_of(values: np.ndarray, hundredths: int) -> float:
    """The smallest value that so many of a hundred don't exceed."""
    return float(np.sort(np.asarray(values, float).ravel())[-(-hundredths * values.size // 100) - 1])


def detection_features(  # noqa: PLR0917 - as the kernel
    boxes: np.ndarray, score: int, classes: int, is_corners: bool, size: tuple[float, float], min_score: float
) -> tuple[np.ndarray, int]:
    """The features of DETECTION_FEATURES, and how many numbers aren't finite."""
    bad = int((~np.isfinite(boxes)).sum())
    if bad or len(boxes) == 0:
        return np.full(11, np.nan), bad
    rows = []
    for picture in boxes.astype(float):
        best = picture[:, classes:].max(axis=1) if classes >= 0 else np.ones(len(picture))
        objectness = picture[:, score] if score >= 0 else best
        scores = objectness * best if score >= 0 else best
        taken = picture[scores >= min_score]
        found = {"count": len(taken), "empty": float(len(taken) == 0)}
        if len(picture):
            found["top_score"] = max(scores.max(), 0.0)
            found["mean_score"] = log_odds(objectness).mean()
            found["high_score"] = float(log_odds(level_of(objectness, 99)))
            if classes >= 0:
                found["mean_class"] = picture[:, classes:].mean()
        if len(taken):
            if classes >= 0:
                shares = taken[:, classes:]
                found["class_confidence"] = shares.max(axis=1).mean()
                sums = shares.sum(axis=1, keepdims=True)
                found["class_entropy"] = stats.entropy(np.where(sums > 0, shares, 1.0 * (np.arange(shares.shape[1]) == 0)), axis=1).mean()  # fmt: skip
            a, b, c, d = taken[:, :4].T
            x, y, w, h = ((a + c) / 2, (b + d) / 2, c - a, d - b) if is_corners else (a, b, c, d)
            found["box_area"] = (w * h).mean() / (size[0] * size[1])
            found["box_x"], found["box_y"] = x.mean() / size[0], y.mean() / size[1]
        rows.append(found)
    names = ("count", "top_score", "mean_score", "high_score", "mean_class", "class_confidence", "class_entropy", "box_area",
             "box_x", "box_y", "empty")  # fmt: skip
    columns = [[row[name] for row in rows if name in row] for name in names]
    return np.array([np.mean(column) if column else np.nan for column in columns]), 0


def plain_features(numbers: np.ndarray) -> tuple[np.ndarray, int]:
    """Mean, standard deviation, 1 % and 99 % level, largest size."""
    bad = int((~np.isfinite(numbers)).sum())
    if bad or numbers.size == 0:
        return np.full(5, np.nan), bad
    x = numbers.astype(float)
    return np.array([x.mean(), x.std(), level_of(x, 1), level_of(x, 99), np.abs(x).max()]), 0


class Envelope:
    """The plausibility envelope step by step, keeping every command there ever was."""

    def __init__(
        self, limits: list[dict[str, float]], period_s: float, windows: tuple[int, float, int, float]
    ) -> None:
        self.limits, self.period_s = limits, period_s
        self.saturated_n, self.saturated_share, self.chatter_n, self.chatter_share = windows
        self.time = 0
        self.accepted: list[tuple[int, np.ndarray]] = []  # step, command
        self.steps: list[tuple[int, np.ndarray]] = []  # every row that came

    def judge(self, rows: np.ndarray, lost: int, at: float = 0.98) -> set[str]:  # noqa: C901 - one rule after another
        """What is wrong with one record; lost: records that didn't come before it. It is accepted if nothing is."""
        self.time += lost * len(rows)
        wrong, trial = set(), list(self.accepted)
        for u in rows.astype(float):
            self.time += 1
            if not np.isfinite(u).all():
                wrong.add("not finite")
            for c, each in enumerate(self.limits):
                if not np.isfinite(u[c]):
                    continue
                slack = 1e-6 * abs(u[c])
                if u[c] < each["low"] - slack or u[c] > each["high"] + slack:
                    wrong.add("range")
                if trial:
                    slack = 1e-6 * max(abs(u[c]), abs(trial[-1][1][c]))
                    elapsed = (self.time - trial[-1][0]) * self.period_s
                    velocity = (u[c] - trial[-1][1][c]) / elapsed
                    if abs(velocity) * elapsed > each["rate"] * elapsed + slack:
                        wrong.add("rate")
                if len(trial) > 1:
                    before = (trial[-1][1][c] - trial[-2][1][c]) / (
                        (trial[-1][0] - trial[-2][0]) * self.period_s
                    )
                    if abs(velocity - before) > each["jerk"] * elapsed + 2 * slack / self.period_s:
                        wrong.add("jerk")
            trial.append((self.time, u))
            self.steps.append((self.time, u))
        finite = np.isfinite(rows).all()
        if finite and self._saturated(at):
            wrong.add("saturated")
        if finite and self._chatters():
            wrong.add("chatter")
        if not wrong:
            self.accepted = trial
        return wrong

    def _saturated(self, at: float) -> bool:
        last = np.array([u for _, u in self.steps[-self.saturated_n :]])
        low, high = (np.array([each[side] for each in self.limits]) for side in ("low", "high"))
        middle, half = (low + high) / 2, (high - low) / 2
        cells = (last <= middle - at * half) | (last >= middle + at * half)
        return len(self.steps) >= self.saturated_n and cells.mean() > self.saturated_share

    def _chatters(self) -> bool:
        worst = 0.0
        for c, each in enumerate(self.limits):
            column = [u[c] for _, u in self.steps]
            turned, moved, last = [], 0.0, None
            for u in column:
                is_turn = False
                if np.isfinite(u):
                    if last is not None and abs(u - last) > 0.005 * (each["high"] - each["low"]):
                        is_turn = (u - last) * moved < 0
                        moved = u - last
                    last = u
                turned.append(is_turn)
            worst = max(worst, np.mean(turned[-self.chatter_n :]))
        return len(self.steps) >= self.chatter_n and worst > self.chatter_share
