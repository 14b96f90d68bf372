"""Parts as clusters of descriptors: fitting, suggesting their number, assigning. Without torch.

Descriptors are read from a source a few rows at a time, so that memory does not grow with their number beyond a few bytes
a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3n_core.system.seeding import keyed_generator

MOST_AT_ONCE = 50_000
"""Up to this many descriptors k-means sees all at once; above, it is refined in mini-batches."""

REACH = 0.95
"""A centroid reaches as far as this quantile of its members' distances."""

CANDIDATES = (4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 30)
"""Numbers of parts that are compared if none is given."""

BACKGROUND_RATIO = 4
"""A cluster in which drawn cells are so many times as frequent as peaks holds background. Drawn cells also lie on the object,
where no peak is near, so equal frequency does not tell."""

OUTSIDE_SHARE = 0.75
"""A cluster also holds background if at least this share of its peaks lies outside the object's box, where boxes are known."""

_CHUNK = 8192
_SAMPLE = 3000  # descriptors that silhouettes are measured on
_FIRST = 20_000  # descriptors that the first centroids of many come from

Read = Callable[[NDArray[np.intp]], NDArray[np.float32]]
"""Returns the descriptors, float32 (n, D), of rows given in increasing order."""


@dataclass(frozen=True, eq=False)
class Clusters:
    """Centroids, and how far each reaches.

    Attributes:
        centroids: float32 (K, D).
        reach: The 95th percentile of the distances of each centroid's members, float32 (K,).
    """

    centroids: NDArray[np.float32]
    reach: NDArray[np.float32]


def fit_clusters(read: Read, count: int, parts: int, *, seed: int = 0) -> tuple[Clusters, NDArray[np.int16]]:
    """Find centroids by k-means with a fixed seed.

    Args:
        read: The descriptors.
        count: Their number.
        parts: Number of clusters, at most ``count``.
        seed: Seed of everything that is drawn.

    Returns:
        The clusters, and the cluster of each descriptor, int16 (count,).
    """
    centroids = _fitted(read, count, parts, seed)
    assigned, distances = members(read, count, centroids)
    return Clusters(centroids, reaches(assigned, distances, parts)), assigned


def members(read: Read, count: int, centroids: NDArray[np.float32]) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """Return the nearest centroid of each of ``count`` descriptors, and its distance, without having all in memory."""
    assigned, distances = np.empty(count, dtype=np.int16), np.empty(count, dtype=np.float32)
    for rows in chunks(count):
        assigned[rows], distances[rows] = nearest(read(rows), centroids)
    return assigned, distances


def nearest(
    descriptors: NDArray[np.float32], centroids: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return the nearest centroid of each descriptor (n, D), and its distance."""
    squares = (descriptors**2).sum(axis=1)[:, None] + (centroids**2).sum(axis=1) - 2 * descriptors @ centroids.T
    found = squares.argmin(axis=1)
    return found, np.sqrt(np.maximum(squares[np.arange(len(found)), found], 0)).astype(np.float32)


def reaches(assigned: NDArray[np.integer[Any]], distances: NDArray[np.float32], parts: int) -> NDArray[np.float32]:
    """Return how far each of ``parts`` centroids reaches; 0 for one without members."""
    found = [distances[assigned == part] for part in range(parts)]
    return np.array([np.quantile(some, REACH) if some.size else 0.0 for some in found], dtype=np.float32)


def suggest_parts(read: Read, count: int, *, seed: int = 0) -> tuple[int, dict[int, float]]:
    """Suggest a number of parts: the one with the largest silhouette on a sample, or the finest that separates as well.

    As well means: its silhouettes are lower in the mean by at most one standard error of the differences. Between numbers that
    cannot be told apart the finest is the most useful: a person merges two groups of one part in a moment, and what a group
    holds of two parts is told of neither.

    Args:
        read: The descriptors.
        count: Their number, at least 2.
        seed: Seed of the sample and of the clusterings.

    Returns:
        The number, and the silhouette of every number that was compared, in [-1, 1]; none if there are too few descriptors.
    """
    from sklearn.metrics import silhouette_samples  # `s3n --help` starts without it

    sample = read(_drawn(count, _SAMPLE, seed, "silhouette"))
    found: dict[int, NDArray[np.float64]] = {}
    for parts in CANDIDATES:
        if parts * 5 > len(sample):
            break
        labels = _k_means(sample, parts, seed, starts=2).labels_
        if len(np.unique(labels)) > 1:
            found[parts] = silhouette_samples(sample, labels).astype(np.float64)
    scores = {parts: float(silhouettes.mean()) for parts, silhouettes in found.items()}
    if not scores:
        return min(CANDIDATES[0], count), scores
    best = found[max(scores, key=lambda parts: scores[parts])]
    lost = {parts: best - silhouettes for parts, silhouettes in found.items()}
    as_good = [parts for parts, of in lost.items() if of.mean() <= of.std() / len(of) ** 0.5]
    return max(as_good), scores


def agreement(first: NDArray[np.integer[Any]], second: NDArray[np.integer[Any]]) -> float:
    """Return the normalised mutual information of two labellings of the same things, in [0, 1]."""
    from sklearn.metrics import normalized_mutual_info_score

    return float(normalized_mutual_info_score(first, second))


def _fitted(read: Read, count: int, parts: int, seed: int) -> NDArray[np.float32]:
    if count <= MOST_AT_ONCE:
        fitted = _k_means(read(np.arange(count)), parts, seed, starts=4)
        return np.asarray(fitted.cluster_centers_, dtype=np.float32)
    from sklearn.cluster import MiniBatchKMeans

    first = _k_means(read(_drawn(count, _FIRST, seed, "first centroids")), parts, seed, starts=4).cluster_centers_
    refined = MiniBatchKMeans(parts, init=first, n_init=1, random_state=seed, reassignment_ratio=0)
    parted = list(chunks(count))
    order = keyed_generator(seed, "order of chunks").permutation(len(parted)).tolist()
    if len(parted[order[0]]) < parts:  # the first call of `partial_fit` needs a row for each centroid
        order[:2] = reversed(order[:2])
    for index in order:
        refined.partial_fit(read(parted[index]))
    return np.asarray(refined.cluster_centers_, dtype=np.float32)


def _k_means(values: NDArray[np.float32], parts: int, seed: int, *, starts: int) -> Any:
    from sklearn.cluster import KMeans

    return KMeans(parts, n_init=starts, random_state=seed).fit(values)


def _drawn(count: int, most: int, seed: int, what: str) -> NDArray[np.intp]:
    if count <= most:
        return np.arange(count)
    return np.sort(keyed_generator(seed, what).choice(count, most, replace=False))


def chunks(count: int) -> Iterator[NDArray[np.intp]]:
    """Yield the numbers 0 ... count - 1 a few thousand at a time, in order."""
    for start in range(0, count, _CHUNK):
        yield np.arange(start, min(start + _CHUNK, count))


def background_parts(
    assigned: NDArray[np.integer[Any]],
    background: NDArray[np.bool_],
    parts: int,
    outside: NDArray[np.int8] | None = None,
) -> tuple[int, ...]:
    """Return the clusters that hold background.

    In them, randomly drawn cells are `BACKGROUND_RATIO` times as frequent as peaks or more, each counted by its share of all of
    its kind; or `OUTSIDE_SHARE` of their peaks lie outside the object's box: a model may find its peaks in the background.

    Args:
        assigned: The cluster of each place, (n,).
        background: Whether it is a drawn cell, (n,).
        parts: Number of clusters.
        outside: Whether it lies outside the object's box: 1 or 0, -1 where there is no box, (n,); None: no boxes are known.
    """
    cells, peaks = (
        np.bincount(assigned[kind], minlength=parts) / max(int(kind.sum()), 1) for kind in (background, ~background)
    )
    found = cells > BACKGROUND_RATIO * peaks
    if outside is not None:
        beyond, known = (
            np.bincount(assigned[~background & rows], minlength=parts) for rows in (outside == 1, outside >= 0)
        )
        found |= (known > 0) & (beyond >= OUTSIDE_SHARE * known)
    return tuple(np.flatnonzero(found).tolist())
