"""Classes of unequal size: what counts how much, what is shown how often, and that nothing of it depends on chance."""

from collections import Counter
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from tiny_training import assert_same_training, draw_pictures, epoch_lines, prepare, train, weights

from s3n_core.datasets.imbalance import unequal_classes
from s3n_core.datasets.loading import Sample
from s3n_core.method.network import S3NOutput
from s3n_core.method.objective import objective
from s3n_core.system.seeding import epoch_order
from s3n_core.training.balance import balanced_order, class_weights, epoch_samples, plain_name
from s3n_core.training.trainer import Trainer

LABELS = [0] * 12 + [1] * 5 + [3] * 2  # class 2 has no training images
SAMPLES = [Sample(Path(f"{number}.png"), f"{number}.png", label) for number, label in enumerate(LABELS)]


@pytest.fixture(scope="module")
def unequal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten images of a, two of b."""
    root = draw_pictures(tmp_path_factory.mktemp("unequal") / "birds", "ab", 10)
    for number in range(2, 10):
        (root / "b" / f"{number}.png").unlink()
    return root


def test_weights_are_the_inverse_frequencies_of_scikit_learn() -> None:
    found = class_weights(LABELS, 4)
    expected = compute_class_weight("balanced", classes=np.array([0, 1, 3]), y=np.array(LABELS))
    assert found[[0, 1, 3]] == pytest.approx(expected)
    assert found[2] == 0
    assert found[LABELS].mean() == pytest.approx(1.0)


def test_an_image_counts_by_its_class_in_every_loss_smoothed_or_not() -> None:
    torch.manual_seed(0)
    logits = [torch.randn(3, 4) for _ in range(4)]
    output = S3NOutput(*logits)
    labels, by_class = torch.tensor([0, 1, 3]), torch.tensor([0.5, 2.0, 0.0, 3.0])
    found = objective(output, labels, smoothing=0.1, weights=by_class)
    # By hand: each image's loss times its weight, over the number of images.
    alone = [objective(_of(output, row), labels[row : row + 1], smoothing=0.1).total for row in range(3)]
    assert found.total.item() == pytest.approx(
        sum(w * x.item() for w, x in zip((0.5, 2.0, 3.0), alone, strict=True)) / 3
    )
    assert objective(output, labels, weights=torch.ones(4)).total == pytest.approx(objective(output, labels).total)


def _of(output: S3NOutput, row: int) -> S3NOutput:
    fields = [getattr(output, name) for name in ("joint", "original", "discriminative", "complementary")]
    return S3NOutput(*(value[row : row + 1] for value in fields))


def test_every_class_has_the_same_number_of_places_and_its_images_take_turns() -> None:
    order = balanced_order(3, 5, LABELS)
    shown = Counter(LABELS[position] for position in order)
    assert len(order) == len(LABELS)
    assert sorted(shown.values()) == [6, 6, 7]  # 19 places for three classes
    times = Counter(order.tolist())
    for label in (0, 1, 3):
        own = [times[position] for position, other in enumerate(LABELS) if other == label]
        assert max(own) - min(own) <= 1
    assert max(times[position] for position in range(12)) == 1  # none of the largest class is shown twice


def test_the_order_belongs_to_seed_and_epoch() -> None:
    assert balanced_order(3, 5, LABELS).tolist() == balanced_order(3, 5, LABELS).tolist()
    assert balanced_order(3, 5, LABELS).tolist() != balanced_order(3, 6, LABELS).tolist()
    assert balanced_order(3, 5, LABELS).tolist() != balanced_order(4, 5, LABELS).tolist()
    whole = {position for epoch in range(20) for position in balanced_order(0, epoch, LABELS).tolist()}
    assert whole == set(range(len(LABELS)))  # who waits in one epoch is shown in another


def test_an_image_that_is_shown_again_has_a_key_of_its_own() -> None:
    keys = [sample.name for sample in epoch_samples("sampling", 0, 0, SAMPLES)]
    assert len(set(keys)) == len(keys) > len({plain_name(key) for key in keys})
    assert {plain_name(key) for key in keys} <= {sample.name for sample in SAMPLES}


@pytest.mark.parametrize("balance", ["none", "weights"])
def test_without_sampling_the_order_is_the_one_it_always_was(balance: Any) -> None:
    expected = [SAMPLES[position] for position in epoch_order(7, 2, len(SAMPLES))]
    assert epoch_samples(balance, 7, 2, SAMPLES) == expected


@pytest.mark.usefixtures("every_batch_tells")
def test_balanced_sampling_resumes_exactly_inside_an_epoch(tmp_path: Path, unequal: Path) -> None:
    settings: dict[str, Any] = {"balance": "sampling", "epochs": 2, "validation": 0.0, "batch_size": 4}
    whole = prepare(tmp_path / "whole", unequal, **settings)
    train(whole)
    run = prepare(tmp_path / "run", unequal, **settings)
    for count in (2, 3):  # closed after batches: in the middle of an epoch
        with closing(Trainer(run.path, workers=0).run()) as events:
            assert len(list(islice(events, count))) == count
    train(run, workers=1)
    assert_same_training(run, whole)
    assert [line["images"] for line in epoch_lines(run)] == [12, 12]


@pytest.mark.parametrize("balance", ["weights", "sampling"])
def test_micro_batches_change_nothing_but_rounding(tmp_path: Path, unequal: Path, balance: str) -> None:
    settings: dict[str, Any] = {
        "balance": balance, "epochs": 1, "validation": 0.0, "batch_size": 4, "network.batch_norm": "frozen", "probes": 0,
    }  # fmt: skip
    whole = prepare(tmp_path / "whole", unequal, **settings)
    parts = prepare(tmp_path / "parts", unequal, **settings, micro_batch=2)
    plain = prepare(tmp_path / "plain", unequal, **{**settings, "balance": "none"})
    for run in (whole, parts, plain):
        train(run)
    assert epoch_lines(parts)[0]["loss"] == pytest.approx(epoch_lines(whole)[0]["loss"], rel=1e-4)
    assert epoch_lines(plain)[0]["loss"] != pytest.approx(epoch_lines(whole)[0]["loss"], rel=1e-4)
    learned = weights(parts)
    for name, value in weights(whole).items():
        torch.testing.assert_close(learned[name], value, rtol=1e-3, atol=1e-5)


def test_unequal_classes_are_pointed_out_above_five_to_one() -> None:
    assert unequal_classes([10, 2, 0], "abc") is None
    found = unequal_classes([11, 2, 0], ["crow", "wren", "none"])
    assert found is not None
    assert found.sentence == ("Unequal classes: crow has 11 images for training, wren has 2 (5.5 to 1).")
    assert unequal_classes([], []) is None
