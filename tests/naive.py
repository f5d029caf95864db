"""Naive twins of the numba kernels: plain numpy and scipy, slow, written from the definitions."""

from __future__ import annotations

import numpy as np
from scipy import special, stats


def frame_features(frames: np.ndarray, scale: float = 1.0, offset: float = 0.0) -> tuple[np.ndarray, int]:
    """What the frame kernels fill but for the fingerprint, of (N, H, W, C) pictures; how many pixels aren't finite.

    Six features, three shares and entropy that inform, means and standard deviations of three channels, a gap, 64 tones.
    """
    pixels = frames.astype(np.float64)
    channels = pixels.shape[-1]
    weights = {1: [1.0], 3: [77 / 256, 150 / 256, 29 / 256]}.get(channels, [1.0 / channels] * channels)
    exact = scale * sum(weight * pixels[..., c] for c, weight in enumerate(weights)) + offset
    bad = int((~np.isfinite(exact)).sum())
    if bad or exact.size == 0:
        return np.full(80, np.nan), bad
    # bytes: to the nearest quarter of a grey level, halves upwards
    luma = np.floor(exact * 4 + 0.5) / 4 if frames.dtype == np.uint8 and channels == 3 else exact
    means = [
        scale * pixels[..., c].mean() + offset if channels in (1, 3) and c < channels else np.nan
        for c in range(3)
    ]
    stds = [
        abs(scale) * pixels[..., c].std() if channels in (1, 3) and c < channels else np.nan for c in range(3)
    ]
    levels = np.floor((np.clip(np.floor(luma * 4 + 0.5), 0, 1020) + 2) / 4)
    tones = np.histogram(levels, 64, (0, 256))[0] / levels.size
    blue, red = (
        ((means[2] - exact.mean()) / 1.772, (means[0] - exact.mean()) / 1.402)
        if channels == 3
        else (np.nan, np.nan)
    )
    found = [exact.mean(), luma.std(), *sharpness_and_noise(luma), blue, red, (levels == 0).mean(),
             (levels == 255).mean(), stats.entropy(tones), *means, *stds, np.nan, *tones]  # fmt: skip
    return np.array(found), 0


def sharpness_and_noise(luma: np.ndarray) -> tuple[float, float]:
    """Variance of the Laplacian; median of |Immerkær's mask| over every second row, as a standard deviation."""
    if min(luma.shape[1:]) < 3:
        return np.nan, np.nan
    m = luma[:, 1:-1, 1:-1]
    cross = luma[:, :-2, 1:-1] + luma[:, 2:, 1:-1] + luma[:, 1:-1, :-2] + luma[:, 1:-1, 2:]
    corners = luma[:, :-2, :-2] + luma[:, :-2, 2:] + luma[:, 2:, :-2] + luma[:, 2:, 2:]
    mask = np.abs(corners - 2 * cross + 4 * m)[:, ::2]
    return (cross - 4 * m).var(), grouped_median(mask) / (6 * stats.norm.ppf(0.75))


def grouped_median(values: np.ndarray) -> float:
    """Median of values rounded to whole numbers, interpolated within its class (half a class at zero)."""
    counts = np.bincount(np.minimum((values + 0.5).astype(int).ravel(), 2040))
    ends = counts.cumsum()
    k = int(np.argmax(ends >= values.size / 2))
    low, high = max(k - 0.5, 0.0), k + 0.5
    return low + (values.size / 2 - (ends[k] - counts[k])) / counts[k] * (high - low)


def classifier_features(logits: np.ndarray, temperature: float = 1.0) -> tuple[np.ndarray, int, int]:
    """(top-1 confidence, entropy, margin, energy, largest logit), top class of the first row, how many aren't finite."""
    bad = int((~np.isfinite(logits)).sum())
    if bad or logits.size == 0:
        return np.full(5, np.nan), -1, bad
    p = special.softmax(logits / temperature, axis=1)
    ordered = np.sort(np.concatenate([np.zeros((len(p), 1)), p], axis=1), axis=1)
    energy = temperature * special.logsumexp(logits / temperature, axis=1)
    each = (
        p.max(axis=1),
        stats.entropy(p, axis=1),
        ordered[:, -1] - ordered[:, -2],
        energy,
        logits.max(axis=1),
    )
    return np.array([one.mean() for one in each]), int(logits[0].argmax()), 0


def normal_score(u: float, reference: np.ndarray, share: float) -> float:
    """The normal score of a value among n reference values; share: where it falls within a tie, in [0, 1)."""
    below, same = int((reference < u).sum()), int((reference == u).sum())
    return stats.norm.ppf((below + int(share * (same + 1)) * (same > 0) + 0.5) / (reference.size + 1))


def innovations(x: np.ndarray, centre: float, phi: np.ndarray, widest: float) -> np.ndarray:
    """What the last p values didn't foretell of each; NaN where fewer than p came without a gap."""
    found = np.full(x.size, np.nan)
    for t in range(x.size):
        before = x[max(t - phi.size, 0) : t][::-1]
        if before.size == phi.size and not np.isnan(before).any():
            found[t] = x[t] - centre - phi @ np.clip(before - centre, -widest, widest)
    return found


def bank_mean(z: np.ndarray, constants: np.ndarray) -> list[float]:
    """The weighted mean statistic after each record of z, (T, F), by the sum over every start of every bet."""
    variances = (1.5, 2.0, 3.0, 2 / 3, 0.5, 0.25, 6.0)
    means = []
    for t in range(1, len(z) + 1):
        total = 0.0
        for f, (size, factor, first, first_factor, spread, weight, head, spread_head) in enumerate(constants):
            for sign in (1, -1):
                for k in range(7):
                    later = factor[k] * np.exp(sign * size[k] * z[:t, f])
                    begin = first_factor[k] * np.exp(sign * first[k] * z[:t, f])
                    sums = head[k] * np.prod(later)
                    sums += sum(begin[s] * np.prod(later[s + 1 :]) for s in range(t))
                    total += weight[0] * sums
                total += weight[2] * _ramps(z[:t, f] * sign, size, factor)
            for k, variance in enumerate(variances):
                gains = np.exp(0.5 * (1 - 1 / variance) * z[:t, f] ** 2)
                if k == 6:
                    gains = 0.9 + 0.1 * gains / np.sqrt(variance)
                gains = spread[k] * gains
                sums = spread_head[k] * np.prod(gains) + sum(np.prod(gains[s:]) for s in range(t))
                total += weight[1] * sums
        means.append(total / z.shape[1])
    return means


def _ramps(z: np.ndarray, size: np.ndarray, factor: np.ndarray) -> float:
    """The sum over every start of a bet that climbs the stages as a Markov chain."""
    kept = np.flatnonzero(factor > 0)
    if kept.size == 0:
        return 0.0
    chain = np.eye(7) * (1 - 1 / 64) + np.eye(7, k=1) / 64
    chain[6, 6] = 1.0
    total = 0.0
    for start in range(z.size):
        state = np.zeros(7)
        state[kept[0]] = 1.0
        for t in range(start, z.size):
            if t > start:
                state = state @ chain
            state = state * factor * np.exp(size * z[t])
        total += state.sum()
    return total


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


def embedding_features(
    rows: np.ndarray, basis: np.ndarray, waves: np.ndarray, terms: np.ndarray, past: list[np.ndarray]
) -> tuple[np.ndarray, int]:
    """The features of EMBEDDING_FEATURES and how many numbers aren't finite; past: one vector a record before, grows."""
    bad = int((~np.isfinite(rows)).sum())
    k = len(basis) - 2
    if bad or not len(rows):
        return np.full(10, np.nan), bad
    mean, scale, axes, inverse_sd = basis[0], basis[1], basis[2:].astype(float), terms[:k]
    u = np.clip((rows.astype(float) - mean) * scale, -1e6, 1e6)
    z = u @ axes.T
    y = z * inverse_sd
    outside = np.maximum((u**2).sum(axis=1) - (z**2).sum(axis=1), 1e-5 * (u**2).sum(axis=1))
    phi = np.cos(2 * np.pi * (y @ waves[:k] + waves[k])) - terms[k + 3 :]
    level = (np.log(outside) - terms[k + 1]) * terms[k + 2]
    now = np.concatenate([y.mean(axis=0), [level.mean()], phi.mean(axis=0)])
    values = [
        np.sqrt((y**2).sum(axis=1) + outside / terms[k]).mean(), np.sqrt(outside).mean(), u.mean(),
        np.sqrt((u**2).mean(axis=1)).mean(), *(y.mean(axis=0)[a] if inverse_sd[a] else np.nan for a in range(4)),
        np.nan, np.nan,
    ]  # fmt: skip
    if len(past) >= 32:
        weights = (1 / 32) * (31 / 32) ** np.arange(len(past))[::-1]
        before = weights @ np.array(past)
        for at, part in ((8, slice(0, k + 1)), (9, slice(k + 1, None))):
            values[at] = before[part] @ now[part] / np.linalg.norm(before[part])
    past.append(now)
    return np.array(values), 0


def shrinkage(u: np.ndarray) -> float:
    """Ledoit and Wolf's intensity from its definition: a sum over records of squared Frobenius distances."""
    n, d = u.shape
    s = u.T @ u / n
    target = np.trace(s) / d * np.eye(d)
    noise = sum(((np.outer(x, x) - s) ** 2).sum() for x in u) / n**2
    away = ((s - target) ** 2).sum()
    return min(noise, away) / away


def share_means(  # noqa: PLR0917 - as the kernel
    x: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    allowed: np.ndarray,
    blocks: np.ndarray,
    odds: np.ndarray,
) -> list[float]:
    """Mean statistic after each record of the bets that more lie beyond a range than allowed; restarts never.

    x: (T, M), NaN = none. A statistic is the sum over all starts of blocks, each start standing for its block's records, of
    the product of what the bets on the blocks since then paid.
    """
    records, members = x.shape
    open_block: list[list[float]] = [[] for _ in range(members)]
    paid: list[list[tuple[int, np.ndarray]]] = [[] for _ in range(members)]
    means = []
    for t in range(records):
        for m in range(members):
            if np.isnan(x[t, m]):
                continue
            open_block[m].append(x[t, m])
            if len(open_block[m]) == blocks[m]:
                block = np.array(open_block[m])
                shares = np.array([(block < low[m]).mean(), (block > high[m]).mean()])
                paid[m].append((len(block), 1.0 + odds[m] * (shares[:, None] - allowed[m])))
                open_block[m] = []
        total = 0.0
        for m in range(members):
            for start in range(len(paid[m])):
                product = np.prod([gain for _, gain in paid[m][start:]], axis=0)
                total += float((paid[m][start][0] * product).sum())
        means.append(total / (2 * members * odds.shape[1]) if not np.isnan(x[t]).all() else float("nan"))
    return means
