import json
from dataclasses import asdict

import pytest
from tiny_training import tiny_recipe

from s3n_core.training.training_progress import TrainingProgress


def test_the_better_accuracy_is_the_best_and_the_lower_loss_among_equals() -> None:
    progress = TrainingProgress()
    results = [(0.0, 3.0), (0.5, 3.0), (0.4, 1.0), (0.5, 2.9), (0.5, 2.9), (0.5, 3.5)]
    assert [progress.improve(*result) for result in results] == [True, True, False, True, False, False]
    assert (progress.best_accuracy, progress.best_loss) == (0.5, 2.9)


def test_without_a_held_out_part_the_last_is_the_best() -> None:
    progress = TrainingProgress()
    assert progress.improve(None, None)
    assert progress.improve(None, None)
    assert progress.best_accuracy is None


def test_patience_ends_a_training() -> None:
    recipe = tiny_recipe(epochs=10, patience=2)
    assert not TrainingProgress(epoch=2, best_epoch=0).trained(recipe)
    assert TrainingProgress(epoch=3, best_epoch=0).trained(recipe)
    assert not TrainingProgress(epoch=3, best_epoch=0).trained(tiny_recipe(epochs=10))
    assert TrainingProgress(epoch=10, best_epoch=9).trained(recipe)


def test_a_recalibration_is_the_end_even_where_it_is_the_best() -> None:
    recipe = tiny_recipe(epochs=10, patience=2, recalibrate=True)
    assert not TrainingProgress(epoch=3, best_epoch=0).finished(recipe)
    assert TrainingProgress(epoch=3, best_epoch=2, recalibrated=True).finished(recipe)
    assert not TrainingProgress(epoch=10, best_epoch=9).finished(recipe)
    assert TrainingProgress(epoch=10, best_epoch=9).finished(tiny_recipe(epochs=10))


def test_the_mean_of_the_last_weights_is_the_end() -> None:
    recipe = tiny_recipe(epochs=10, average_epochs=2)
    assert not TrainingProgress(epoch=10).finished(recipe)
    assert TrainingProgress(epoch=10, averaged=True).finished(recipe)


def test_names_sort_by_age() -> None:
    names = [TrainingProgress(step=9).checkpoint_name, TrainingProgress(step=10).checkpoint_name]
    names += [TrainingProgress(step=10, averaged=True, recalibrated=True).checkpoint_name]
    names += [TrainingProgress(step=10, recalibrated=True).checkpoint_name, TrainingProgress(step=11).checkpoint_name]
    assert names == sorted(names)


def test_json_holds_the_progress_exactly() -> None:
    progress = TrainingProgress(epoch=2, sums={"count": 18.0, "loss": 1 / 3, "peaks": 2 / 7}, best_accuracy=0.1)
    assert TrainingProgress(**json.loads(json.dumps(asdict(progress)))) == progress
    with pytest.raises(TypeError):
        TrainingProgress(**{"of_a_newer_version": 1})
