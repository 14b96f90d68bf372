"""Which part tells two species apart: rankings held against the truth of synthetic birds, beside baselines. Without torch.

A ranking is right for a pair if its first part is one in which the two species differ. Only a part that tells them apart, with a
score above 0, can be first; without any, the pair is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from s3n_core.evaluation.bootstrap import middle
from s3n_core.evaluation.goals import Goal
from s3n_core.system.json_values import to_json
from s3n_core.system.seeding import keyed_generator

Ranking = Literal["read", "relied on", "read in the masks", "brute-force removal", "area", "best constant", "chance"]

NEAR = 2
"""Pairs that differ in at most this many parts are near."""

LEAST_NEAR_PAIRS = 40
NEAR_GOAL, ALL_GOAL = 0.85, 0.90

RESAMPLES = 2000

_Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class SpeciesMeans:
    """What was measured of each species, as means over its scenes; S species, which are also the classes, P parts.

    Attributes:
        species: Names of the species.
        parts: Names of the parts.
        differ: Whether two species differ in a part, bool (S, S, P).
        values: By ranking: the mean over scenes of a species (first axis) of what each part gives to the logit of each class
            (second axis), (S, S, P); "area" holds areas, alike for all classes. NaN for species without a scene in which it was
            measured.
        scenes: Number of scenes of each species, (S,).
    """

    species: tuple[str, ...]
    parts: tuple[str, ...]
    differ: NDArray[np.bool_]
    values: Mapping[Ranking, _Numbers]
    scenes: NDArray[np.int64]

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """All pairs of species that have scenes."""
        return list(combinations(np.flatnonzero(self.scenes).tolist(), 2))

    def scores(self, ranking: Ranking, a: int, b: int) -> _Numbers:
        """Return what each part gives to the margin of a over b: mean over scenes of a less that over scenes of b, (P,)."""
        values = self.values[ranking]
        if ranking == "area":
            return np.asarray(values[a, a] + values[b, b])
        return np.asarray((values[a, a] - values[a, b]) - (values[b, a] - values[b, b]))


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingRow:
    """How often a ranking is right.

    Attributes:
        ranking: Which ranking.
        near: Share of the near pairs for which it is right, in [0, 1]; None without any.
        near_low: Lower bound of the 95 % interval over species; None alike, and for chance.
        near_high: Upper bound; None alike.
        all: The same for all pairs.
        pairs: Number of all pairs that it is measured for: those of species with a scene in which it was.
        all_low: Alike.
        all_high: Alike.
        spearman: Mean over pairs of Spearman's correlation with brute-force removal, over parts; None where it is not defined.
    """

    ranking: Ranking
    near: float | None
    near_low: float | None
    near_high: float | None
    all: float | None
    pairs: int
    all_low: float | None
    all_high: float | None
    spearman: float | None


@dataclass(frozen=True, kw_only=True)
class RankingMeasures:
    """Rankings of parts for pairs of species, against the truth.

    Attributes:
        rows: The rankings, then the baselines.
        near_pairs: Number of pairs that differ in one or two parts.
        pairs: Number of all pairs.
        scenes: Number of scenes that were ranked.
        mapped: The true part of each part of the atlas, with the share of its masked pixels that lie in that part's mask.
        constant: The part that the best constant ranking names, for near pairs; None without any.
        correct: Share of the scenes that are predicted correctly.
        left_out: (name, reason) of scenes that could not be read, also of those that tell what the atlas's parts are.
        not_measured: By ranking: (name, reason) of ranked scenes in which it could not be measured.
    """

    rows: tuple[RankingRow, ...]
    near_pairs: int
    pairs: int
    scenes: int
    mapped: Mapping[str, tuple[str, float]]
    constant: str | None
    correct: float
    left_out: tuple[tuple[str, str], ...]
    not_measured: Mapping[Ranking, tuple[tuple[str, str], ...]]

    def goals(self) -> tuple[Goal, ...]:
        """Return the goals of the ranking that is read."""
        read, constant = (next(row for row in self.rows if row.ranking == kind) for kind in ("read", "best constant"))
        return (
            Goal(name="near pairs", value=self.near_pairs, least=LEAST_NEAR_PAIRS),
            Goal(name="near pairs, read correctly", value=read.near, least=NEAR_GOAL),
            Goal(
                name="near pairs, lower bound above the best constant",
                value=read.near_low,
                least=constant.near,
                strict=True,
            ),
            Goal(name="all pairs, read correctly", value=read.all, least=ALL_GOAL),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        found: dict[str, Any] = {**to_json(self), "goals": [goal.to_dict() for goal in self.goals()]}
        return found

    def table(self) -> list[list[str]]:
        """Return the table, with its titles."""
        rows = [["ranking", f"{self.near_pairs} near pairs", f"all {self.pairs} pairs", "Spearman with removal"]]
        for row in self.rows:
            rows.append(
                [
                    row.ranking,
                    _share(row.near, row.near_low, row.near_high),
                    _share(row.all, row.all_low, row.all_high),
                    "" if row.spearman is None else f"{row.spearman:+.2f}",
                ]
            )
        return rows

    def sentences(self) -> list[str]:
        """Return what else is known, in words."""
        parts = ", ".join(f"{name}: {part} ({100 * share:.0f} %)" for name, (part, share) in self.mapped.items())
        found = [
            f"Right: the first part is one in which the two species differ. {self.scenes} scenes, {100 * self.correct:.1f} % of "
            "them predicted correctly; in brackets 95 % intervals over species. Near pairs differ in one or two parts."
        ]
        if self.constant is not None:
            found.append(f"The best constant ranking of near pairs names {self.constant}.")
        found.append(f"Parts of the atlas: {parts or 'none lies on a true part'}.")
        if self.left_out:
            found.append(f"Left out: {_counted(self.left_out)}.")
        for ranking, scenes in self.not_measured.items():
            if scenes:
                found.append(f"Left out of {ranking!r}: {_counted(scenes)}.")
        for row in self.rows:
            if row.pairs < self.pairs:
                found.append(
                    f"{row.ranking!r} is measured for {row.pairs} of {self.pairs} pairs; the others have a species without a "
                    "scene in which it was."
                )
        return found


def ranking_measures(
    found: SpeciesMeans,
    *,
    mapped: Mapping[str, tuple[str, float]],
    correct: float,
    left_out: tuple[tuple[str, str], ...] = (),
    not_measured: Mapping[Ranking, tuple[tuple[str, str], ...]] | None = None,
    seed: int = 0,
) -> RankingMeasures:
    """Hold rankings against the truth, with intervals by bootstrap over species.

    Args:
        found: What was measured.
        mapped: As in `RankingMeasures`.
        correct: As in `RankingMeasures`.
        left_out: As in `RankingMeasures`.
        not_measured: As in `RankingMeasures`; None: all were measured.
        seed: Seed of the bootstrap.
    """
    pairs = found.pairs
    firsts, seconds = np.array(pairs).T
    truth = found.differ[firsts, seconds]  # (pairs, P)
    near = truth.sum(axis=1) <= NEAR
    used = np.flatnonzero(found.scenes)
    drawn = np.zeros((RESAMPLES, len(found.scenes)))
    generator = keyed_generator(seed, "species")
    drawn[:, used] = generator.multinomial(len(used), np.full(len(used), 1 / len(used)), size=RESAMPLES)
    weights = drawn[:, firsts] * drawn[:, seconds]  # (resamples, pairs)

    def measured(right: _Numbers, some: NDArray[np.bool_]) -> tuple[float | None, float | None, float | None]:
        """Return the share of some pairs that are right, with its interval."""
        if not some.any():
            return None, None, None
        sums = weights[:, some].sum(axis=1)
        shares = (weights[:, some] @ right[some])[sums > 0] / sums[sums > 0]
        low, high = middle(shares)
        return float(right[some].mean()), low, high

    everything = np.ones(len(pairs), dtype=bool)
    brute = found.values.get("brute-force removal")
    rows, removal = list[RankingRow](), np.full((len(pairs), len(found.parts)), np.nan)
    if brute is not None:
        removal = np.stack([found.scores("brute-force removal", a, b) for a, b in pairs])

    def row(
        ranking: Ranking,
        right: _Numbers,
        right_near: _Numbers,
        known: NDArray[np.bool_] = everything,
        spearman: float | None = None,
    ) -> RankingRow:
        near_share, near_low, near_high = measured(right_near, near & known)
        share, low, high = measured(right, known)
        if ranking == "chance":
            near_low = near_high = low = high = None
        return RankingRow(
            ranking=ranking,
            near=near_share,
            near_low=near_low,
            near_high=near_high,
            all=share,
            pairs=int(known.sum()),
            all_low=low,
            all_high=high,
            spearman=spearman,
        )

    for ranking in found.values:
        scores = np.stack([found.scores(ranking, a, b) for a, b in pairs])
        known, right = np.asarray(np.isfinite(scores).all(axis=1)), _right(scores, truth)
        compared = ranking not in ("brute-force removal", "area")
        rows.append(row(ranking, right, right, known, _mean_spearman(scores, removal) if compared else None))
    # Parts that differ in equally many pairs are right equally often.
    best_near = int(truth[near].sum(axis=0).argmax())
    best_all = int(truth.mean(axis=0).argmax())
    rows.append(row("best constant", truth[:, best_all].astype(np.float64), truth[:, best_near].astype(np.float64)))
    chance = truth.mean(axis=1)
    rows.append(row("chance", chance, chance))
    return RankingMeasures(
        rows=tuple(rows),
        near_pairs=int(near.sum()),
        pairs=len(pairs),
        scenes=int(found.scenes.sum()),
        mapped=mapped,
        constant=found.parts[best_near] if near.any() else None,
        correct=correct,
        left_out=left_out,
        not_measured=not_measured or {},
    )


def majority_parts(
    overlaps: NDArray[np.float64], numbers: Sequence[int], left_out: frozenset[int]
) -> dict[int, tuple[int, float]]:
    """Return the true part that most masked pixels of each part of an atlas lie in, and their share.

    Args:
        overlaps: Pixels of each atlas part in the mask of each true part, (parts, P).
        numbers: The atlas's parts, in the order of the rows.
        left_out: Atlas parts that have none, since they hold background or are hidden.
    """
    found = {}
    for number, row in zip(numbers, overlaps, strict=True):
        if number not in left_out and row.sum() > 0:
            best = int(row.argmax())
            found[number] = best, float(row[best] / row.sum())
    return found


def _right(scores: _Numbers, truth: NDArray[np.bool_]) -> _Numbers:
    """Return how right the first part of each pair is, in [0, 1], from scores and truth (pairs, P), shape (pairs,).

    Of parts that are first together it is the mean. Parts that no group of the atlas stands for have a score of exactly 0.
    """
    first = (scores > 0) & (scores == scores.max(axis=1, keepdims=True))
    return np.asarray((first & truth).sum(axis=1) / np.maximum(first.sum(axis=1), 1))


def _mean_spearman(first: _Numbers, second: _Numbers) -> float | None:
    """Return the mean over pairs of Spearman's correlation of two scores over parts; None where none is defined.

    Parts with equal scores, such as those that no group stands for, have the mean of their ranks. Pairs in which one of the two
    was not measured (NaN) are left out.
    """
    from scipy.stats import spearmanr

    found = [
        float(spearmanr(one, other).statistic)
        for one, other in zip(first, second, strict=True)
        if np.ptp(one) > 0 and np.ptp(other) > 0  # False for NaN
    ]
    return float(np.mean(found)) if found else None


def _counted(scenes: Sequence[tuple[str, str]]) -> str:
    """Return how many scenes there are, by reason, in words."""
    return "; ".join(f"{count} images: {reason}" for reason, count in Counter(reason for _, reason in scenes).items())


def _share(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return ""
    text = f"{100 * value:.1f} %"
    return text if low is None or high is None else f"{text} ({100 * low:.0f} to {100 * high:.0f})"
