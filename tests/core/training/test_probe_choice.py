"""Which images are the probes of a training."""

from pathlib import Path

import pytest

from s3n_core.datasets.loading import Sample
from s3n_core.system.seeding import keyed_generator
from s3n_core.training import snapshots
from s3n_core.training.snapshots import choose_probes

COUNTS = {0: 7, 1: 1, 2: 3, None: 2}


def samples_of(counts: dict[int | None, int]) -> list[Sample]:
    names = [(label, f"{label}/{number}.png") for label, count in counts.items() for number in range(count)]
    return [Sample(path=Path(name), name=name, label=label) for label, name in names]


def chosen_one_by_one(samples: list[Sample], count: int, seed: int) -> tuple[Sample, ...]:
    """The definition: of the classes with images left that have the fewest probes, the image that was drawn first."""
    left = sorted(samples, key=lambda sample: keyed_generator(seed, "probe", sample.name).random())
    chosen: list[Sample] = []
    while left and len(chosen) < count:
        probes = [sum(other.label == sample.label for other in chosen) for sample in left]
        chosen.append(left.pop(probes.index(min(probes))))
    return tuple(chosen)


@pytest.mark.parametrize("count", [0, 1, 3, 4, 6, 12, 16])
def test_probes_are_of_as_many_classes_as_possible(count: int) -> None:
    samples = samples_of(COUNTS)
    for seed in range(20):
        assert choose_probes(samples, count, seed) == chosen_one_by_one(samples, count, seed)


def test_images_are_compared_by_their_classes_only_and_drawn_only_if_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a million images a comparison with each other, or a draw for nothing, takes minutes."""
    samples = samples_of(COUNTS)
    monkeypatch.setattr(Sample, "__eq__", lambda one, other: pytest.fail("two images are compared"))
    assert len(choose_probes(samples, 6, 0)) == 6
    monkeypatch.setattr(snapshots, "keyed_generator", lambda *key: pytest.fail("an image is drawn"))
    assert choose_probes(samples, 0, 0) == ()
