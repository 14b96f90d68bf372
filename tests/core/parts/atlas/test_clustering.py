"""Clusters of descriptors whose groups are known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from s3n_core.parts.atlas import clustering
from s3n_core.parts.atlas.clustering import (
    agreement,
    background_parts,
    fit_clusters,
    nearest,
    suggest_parts,
)

Array = NDArray[np.float32]


def groups(count: int, each: int, *, spread: float = 0.05) -> tuple[Array, NDArray[np.int64]]:
    """Return descriptors in ``count`` groups around the unit vectors, and the group of each."""
    rng = np.random.default_rng(0)
    truth = np.tile(np.arange(count), each)
    return (np.eye(16)[truth] + spread * rng.normal(size=(count * each, 16))).astype(np.float32), truth


def test_known_groups_are_found_and_suggested() -> None:
    values, truth = groups(6, 40)
    best, scores = suggest_parts(lambda rows: values[rows], len(values))
    assert best == 6
    assert max(scores, key=lambda parts: scores[parts]) == 6
    clusters, assigned = fit_clusters(lambda rows: values[rows], len(values), 6)
    assert agreement(assigned.astype(np.int64), truth) == pytest.approx(1)
    # 95 % of the members of each centroid lie within its reach.
    found, distances = nearest(values, clusters.centroids)
    assert (found == assigned).all()
    for part in range(6):
        assert (distances[found == part] <= clusters.reach[part]).mean() == pytest.approx(0.95, abs=0.03)


def test_of_numbers_that_separate_as_well_the_finest_is_suggested(monkeypatch: pytest.MonkeyPatch) -> None:
    values, _ = groups(6, 40)
    noise = np.random.default_rng(0).normal(0, 0.1, (13, len(values)))
    means = dict.fromkeys(clustering.CANDIDATES, 0.1) | {5: 0.400, 8: 0.399}

    def silhouettes(_: Array, labels: NDArray[np.intp]) -> NDArray[np.float64]:
        number = len(np.unique(labels))
        of = noise[clustering.CANDIDATES.index(number)]
        return np.asarray(means[number] + of - of.mean())

    monkeypatch.setattr("sklearn.metrics.silhouette_samples", silhouettes)
    # One standard error of the differences is 0.1 * sqrt(2 / 240) = 0.009.
    assert suggest_parts(lambda rows: values[rows], len(values))[0] == 8
    means[8] = 0.38
    assert suggest_parts(lambda rows: values[rows], len(values))[0] == 5


def test_many_descriptors_are_clustered_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the limit nothing asks for all rows at once, and the same groups are found."""
    values, truth = groups(5, 4000)
    monkeypatch.setattr(clustering, "MOST_AT_ONCE", 10_000)
    monkeypatch.setattr(clustering, "_FIRST", 2000)
    asked = list[int]()

    def read(rows: NDArray[np.intp]) -> Array:
        asked.append(len(rows))
        return values[rows]

    clusters, assigned = fit_clusters(read, len(values), 5)
    assert max(asked) < 10_000
    assert agreement(assigned.astype(np.int64), truth) == pytest.approx(1)
    again, _ = fit_clusters(read, len(values), 5)
    assert again.centroids == pytest.approx(clusters.centroids, abs=1e-5)


def test_a_last_piece_with_fewer_rows_than_groups_may_be_drawn_first(monkeypatch: pytest.MonkeyPatch) -> None:
    values, truth = groups(5, 500)
    values, truth = values[:2003], truth[:2003]  # three pieces, of which the last one has 3 rows
    monkeypatch.setattr(clustering, "MOST_AT_ONCE", 1000)
    monkeypatch.setattr(clustering, "_CHUNK", 1000)
    firsts = set[int]()
    for seed in range(12):
        asked = list[int]()

        def read(rows: NDArray[np.intp], asked: list[int] = asked) -> Array:
            asked.append(len(rows))
            return values[rows]

        _, assigned = fit_clusters(read, len(values), 5, seed=seed)
        assert agreement(assigned.astype(np.int64), truth) == pytest.approx(1)
        firsts.add(tuple(asked[1:4]).index(3))
    assert firsts == {1, 2}


def test_background_is_where_drawn_cells_are_much_more_frequent_than_peaks() -> None:
    # Part 2 has 1 of 10 peaks and 5 of 20 cells, which is not yet four times as much.
    peaks, cells = [0] * 3 + [1] * 6 + [2], [0] * 6 + [1] * 9 + [2] * 5
    background = np.array([False] * 10 + [True] * 20)
    assert background_parts(np.array(peaks + cells), background, 3) == ()
    # Part 3 has no peak at all; part 2 now has 60 % of all cells.
    assigned = np.array([*peaks, *cells, *[2] * 25, *[3] * 5])
    background = np.array([False] * 10 + [True] * 50)
    assert background_parts(assigned, background, 5) == (2, 3)


def test_too_few_descriptors_have_no_silhouette() -> None:
    values, _ = groups(3, 2)
    assert suggest_parts(lambda rows: values[rows], len(values)) == (4, {})
