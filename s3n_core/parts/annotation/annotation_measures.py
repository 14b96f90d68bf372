"""How well parts follow annotated key points: consistency, stability, purity, agreement and regression. Without torch.

Places are fractions of the object's box: (0, 0) is its upper left corner, (1, 1) its lower right one. Every image counts, also
one in which a part was not found: the part then lies where its map is largest. Key points are only measured with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3n_core.evaluation.bootstrap import middle
from s3n_core.parts.atlas.clustering import agreement
from s3n_core.system.json_values import to_json
from s3n_core.system.seeding import keyed_generator

HIT = 36 / 224
"""A part hits a key point that is nearer than this fraction of the box's sides in x and in y."""

PATCH = 32 / 224
"""Side of the patch around a part's place that purity looks at, as a fraction of the box's sides."""

CONSISTENT = 0.8
"""A part is consistent if it hits one key point in at least this share of the images in which that is visible."""

STRONG, FEWEST_STRONG = 0.5, 10
"""Purity looks at places with a score above this, or at the strongest so many."""

RESAMPLES = 300
_GRID = 14  # places along each side that the best constant one is chosen from

_Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class PartPlaces:
    """Where parts and key points are; n images, P parts, K key points.

    Attributes:
        places: Where each part's map is largest, (n, P, 2), fractions of the box.
        scores: The map's value there, (n, P), at most 1.
        points: Where the key points are, (n, K, 2); NaN where one is not visible.
        labels: The class of each image, (n,).
        groups: Which key points purity takes as one, such as the left and the right eye: a number for each, (K,).
        noisy: The places with noise on the image, (n, P, 2); None if that was not asked.
        point_parts: The part at each key point, (n, K), -1 where it is not visible or no part is there; None for controls.
    """

    places: _Numbers
    scores: _Numbers
    points: _Numbers
    labels: NDArray[np.int64]
    groups: NDArray[np.int64]
    noisy: _Numbers | None = None
    point_parts: NDArray[np.int64] | None = None

    @property
    def visible(self) -> NDArray[np.bool_]:
        """Which key points are visible, bool (n, K)."""
        return np.isfinite(self.points[..., 0])

    @cached_property
    def hits(self) -> NDArray[np.bool_]:
        """Which parts hit which visible key points, bool (n, P, K)."""
        return self._near(self.places, HIT)

    @cached_property
    def stays(self) -> _Numbers | None:
        """The share of each image's parts that hit the same key points with noise, (n,)."""
        if self.noisy is None:
            return None
        same: _Numbers = (self.hits == self._near(self.noisy, HIT)).all(axis=2).mean(axis=1)
        return same

    @cached_property
    def in_patches(self) -> NDArray[np.bool_]:
        """Which groups of key points lie in the patches around the parts, bool (n, P, groups)."""
        inside = self._near(self.places, PATCH / 2)
        return np.stack([inside[..., self.groups == group].any(axis=-1) for group in np.unique(self.groups)], axis=-1)

    def _near(self, places: _Numbers, reach: float) -> NDArray[np.bool_]:
        with np.errstate(invalid="ignore"):
            return np.asarray((np.abs(places[:, :, None] - self.points[:, None]) < reach).all(axis=-1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A measure with its 95 % interval over images, in [0, 1]; no interval where there is none."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationRow:
    """The measures of the parts, or of a control.

    Attributes:
        name: "parts", or what the control is.
        count: Number of parts.
        best_hit: The largest share of one key point that a part hits, mean over parts.
        consistency: Share of parts that hit one key point in 80 % of all images in which it is visible.
        class_consistency: The same within each class, over all pairs of a class and a part.
        stability: Share of the parts' hit vectors that stay the same with noise; None where no noise was added.
        purity: Largest share of one key point in the patches at a part's strongest places, mean over parts.
        covered: Number of distinct key points that the parts hit best.
    """

    name: str
    count: int
    best_hit: Measured
    consistency: Measured
    class_consistency: Measured
    stability: Measured | None
    purity: Measured
    covered: int


@dataclass(frozen=True, kw_only=True)
class AnnotationMeasures:
    """How well the parts of an atlas follow key points, beside controls.

    Attributes:
        rows: The parts first, then the controls.
        nmi: Normalised mutual information of parts and key points, at visible key points, in [0, 1].
        ari: Adjusted Rand index, alike, at most 1.
        point_error: Mean distance of key points from where a linear regression on the parts' places puts them, as a fraction
            of the box; fitted on half of the images, measured on the other.
        constant_error: The same for the mean place of each key point.
        images: Number of images.
        points: Number of kinds of key points.
        left_out: Number of images that could not be measured: no label, box or key points, unreadable,
            or scores that are not finite.
    """

    rows: tuple[AnnotationRow, ...]
    nmi: float
    ari: float
    point_error: float
    constant_error: float
    images: int
    points: int
    left_out: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        found: dict[str, Any] = to_json(self)
        return found

    def table(self) -> list[list[str]]:
        """Return the table, with its titles."""
        titles = ["", "parts", "best hit", "consistent", "in classes", "stable", "purity", "key points covered"]
        return [
            titles,
            *(
                [
                    row.name,
                    str(row.count),
                    *(
                        "" if one is None else _percent(one)
                        for one in (row.best_hit, row.consistency, row.class_consistency, row.stability, row.purity)
                    ),
                    f"{row.covered} of {self.points}",
                ]
                for row in self.rows
            ),
        ]

    def sentences(self) -> list[str]:
        """Return what else was measured, in words."""
        return [
            f"{self.images} images, {self.points} key points; in brackets 95 % intervals over images.",
            f"At visible key points: NMI of parts and key points {self.nmi:.2f}, ARI {self.ari:.2f}.",
            f"Key points from the parts' places: mean error {100 * self.point_error:.1f} % of the box; from their mean place "
            f"{100 * self.constant_error:.1f} %.",
        ] + (
            [f"{self.left_out} images could not be measured (no label, box or key points, unreadable, or not finite)."]
            if self.left_out
            else []
        )


def annotation_measures(found: PartPlaces, *, left_out: int = 0, seed: int = 0) -> AnnotationMeasures:
    """Measure parts against key points, beside controls with the same formulas.

    The controls: one part at the best constant place, chosen on half of the images; as many parts at random places of the box;
    one part at its centre.

    Args:
        found: Places and key points of at least two images.
        left_out: Number of images that were left out.
        seed: Seed of the random places and of the bootstrap.
    """
    count, parts = found.places.shape[:2]
    fitting, testing = np.arange(count) % 2 == 0, np.arange(count) % 2 == 1
    generator = keyed_generator(seed, "places of controls")

    def control(places: _Numbers) -> PartPlaces:
        """Return a control whose places noise does not change."""
        scores = np.ones(places.shape[:2])
        return replace(
            found, places=places, scores=scores, noisy=None if found.noisy is None else places, point_parts=None
        )

    best = _best_constant(found.points[fitting])
    drawn = control(generator.random((count, parts, 2)))
    if found.noisy is not None:
        drawn = replace(drawn, noisy=generator.random((count, parts, 2)))  # random again
    rows = [
        ("parts", found),
        ("best constant place", control(np.tile(best, (count, 1, 1)))),
        ("random places", drawn),
        ("centre of the box", control(np.full((count, 1, 2), 0.5))),
    ]
    known = found.point_parts if found.point_parts is not None else np.full(found.visible.shape, -1)
    at_points = found.visible & (known >= 0)
    point = np.broadcast_to(np.arange(found.points.shape[1]), known.shape)[at_points]
    some = at_points.any()
    return AnnotationMeasures(
        rows=tuple(_row(name, places, seed) for name, places in rows),
        nmi=agreement(known[at_points], point) if some else 0.0,
        ari=_rand_index(known[at_points], point) if some else 0.0,
        point_error=_regression_error(found, fitting, testing),
        constant_error=_regression_error(replace(found, places=np.full((count, 1, 2), 0.5)), fitting, testing),
        images=count,
        points=found.points.shape[1],
        left_out=left_out,
    )


def hit_shares(found: PartPlaces, weights: _Numbers | None = None) -> _Numbers:
    """Return in which share of the images with a visible key point each part hits it, (P, K); 0 where it is never visible.

    Args:
        found: Places and key points.
        weights: How often each image counts, (n,); None: once.
    """
    once = np.ones(len(found.places)) if weights is None else weights
    hits = np.tensordot(once, found.hits, axes=1)
    shares: _Numbers = hits / np.maximum(once @ found.visible, 1e-9)
    return shares


def consistency(found: PartPlaces, weights: _Numbers | None = None) -> float:
    """Return the share of parts that hit one key point in at least `CONSISTENT` of the images in which it is visible."""
    return float((hit_shares(found, weights).max(axis=1) >= CONSISTENT).mean())


def class_consistency(found: PartPlaces, weights: _Numbers | None = None) -> float:
    """Return the same within each class, over all pairs of a class and a part."""
    once = np.ones(len(found.places)) if weights is None else weights
    scores = [
        consistency(found, np.where(found.labels == label, once, 0.0))
        for label in np.unique(found.labels)
        if once[found.labels == label].any()
    ]
    return float(np.mean(scores))


def stability(found: PartPlaces, weights: _Numbers | None = None) -> float:
    """Return the share of hit vectors (of an image and a part, over key points) that stay the same with noise."""
    assert found.stays is not None
    once = np.ones(len(found.places)) if weights is None else weights
    return float(once @ found.stays / max(once.sum(), 1e-9))


def purity(found: PartPlaces, weights: _Numbers | None = None) -> float:
    """Return the largest share of one key point in the patches at a part's strongest places, mean over parts."""
    once = np.ones(len(found.places)) if weights is None else weights
    inside, shares = found.in_patches, []
    for part in range(found.places.shape[1]):
        scores = np.where(once > 0, found.scores[:, part], -np.inf)
        chosen = np.flatnonzero((scores > STRONG) & (once > 0))
        if len(chosen) < FEWEST_STRONG:
            chosen = np.argsort(-scores, kind="stable")[:FEWEST_STRONG]
        counted = once[chosen]
        shares.append(float((counted @ inside[chosen, part]).max() / max(counted.sum(), 1e-9)))
    return float(np.mean(shares))


def _row(name: str, found: PartPlaces, seed: int) -> AnnotationRow:
    count = len(found.places)
    even = np.full(count, 1 / count)

    def measured(measure: Callable[[PartPlaces, _Numbers | None], float]) -> Measured:
        # The same resamples for each measure, drawn one by one: all at once they need as much memory as 2,000 data sets.
        generator = keyed_generator(seed, "images", name)
        values = [measure(found, generator.multinomial(count, even).astype(np.float64)) for _ in range(RESAMPLES)]
        low, high = middle(np.array(values))
        return Measured(value=measure(found, None), low=low, high=high)

    shares = hit_shares(found)
    return AnnotationRow(
        name=name,
        count=found.places.shape[1],
        best_hit=measured(lambda of, weights: float(hit_shares(of, weights).max(axis=1).mean())),
        consistency=measured(consistency),
        class_consistency=Measured(value=class_consistency(found)),
        stability=None if found.noisy is None else measured(stability),
        purity=measured(purity),
        covered=len(set(shares.argmax(axis=1)[shares.max(axis=1) > 0].tolist())),
    )


def _best_constant(points: _Numbers) -> _Numbers:
    """Return the place (1, 2) on a grid that hits one key point most often."""
    along = (np.arange(_GRID) + 0.5) / _GRID
    grid = np.stack(np.meshgrid(along, along), axis=-1).reshape(-1, 2)
    with np.errstate(invalid="ignore"):
        hits = (np.abs(grid[:, None, None] - points[None]) < HIT).all(axis=-1).sum(axis=1)
    shares = hits / np.maximum(np.isfinite(points[..., 0]).sum(axis=0), 1)
    best: _Numbers = grid[[int(shares.max(axis=1).argmax())]]
    return best


def _regression_error(found: PartPlaces, fitting: NDArray[np.bool_], testing: NDArray[np.bool_]) -> float:
    """Return the mean distance of visible key points from a linear regression on the parts' places; NaN without any.

    Both sides are standardised on the images that are fitted, as in PDiscoNet and PDiscoFormer; a constant place has no slope.
    """
    values = found.places.reshape(len(found.places), -1)
    mean, spread = values[fitting].mean(axis=0), values[fitting].std(axis=0)
    scaled = (values - mean) / np.where(spread > 1e-9, spread, np.inf)
    distances = list[_Numbers]()
    for point in range(found.points.shape[1]):
        there = found.visible[:, point]
        known, asked = there & fitting, there & testing
        if not known.any() or not asked.any():
            continue
        targets = found.points[known, point]
        centre = targets.mean(axis=0)
        slopes = np.linalg.lstsq(scaled[known], targets - centre, rcond=None)[0]
        distances.append(np.linalg.norm(scaled[asked] @ slopes + centre - found.points[asked, point], axis=1))
    return float(np.concatenate(distances).mean()) if distances else float("nan")


def _rand_index(first: NDArray[np.int64], second: NDArray[np.integer[Any]]) -> float:
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(first, second))


def _percent(measured: Measured) -> str:
    text = f"{100 * measured.value:.1f} %"
    return (
        text
        if measured.low is None or measured.high is None
        else (f"{text} ({100 * measured.low:.0f} to {100 * measured.high:.0f})")
    )


def merged_side(name: str) -> str:
    """Return a key point's name without its side: "left eye" and "right eye" are "eye"."""
    words = [word for word in name.replace("_", " ").split() if word.casefold() not in ("left", "right")]
    return " ".join(words) or name
