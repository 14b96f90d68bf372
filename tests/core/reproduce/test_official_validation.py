"""Campaigns of data sets with official validation images: they are learned from, and the last epoch is measured."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.splits import read_split
from s3n_core.reproduce.campaign import open_trained, run_campaign, run_folder
from s3n_core.reproduce.experiments import ALONE, EXPERIMENTS
from s3n_core.reproduce.planning import open_materials, plan_campaign
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.training.recipes import find_recipe

RECIPE = find_recipe("quick").changed(
    {"weights": "none", "network.input_size": 64, "network.source_size": 64, "resize": "squash", "epochs": 2}
)


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of folders: two classes, each with four training, three validation and two test images."""
    root = tmp_path_factory.mktemp("three") / "shapes"
    for place, name in enumerate(("round", "square")):
        for split, count in (("train", 4), ("val", 3), ("test", 2)):
            folder = root / split / name
            folder.mkdir(parents=True)
            for index in range(count):
                pixels = np.random.default_rng([place, index, count]).integers(0, 256, (9, 9, 3), dtype=np.uint8)
                Image.fromarray(pixels).resize((70, 66)).save(folder / f"{index}.png")
    return root


def test_official_validation_images_are_learned_from_and_the_last_epoch_is_measured(shapes, tmp_path):
    experiment = EXPERIMENTS["table5"]
    assert len(open_data_set(shapes).of_split("val")) == 6
    plan = plan_campaign([experiment], open_materials([shapes], tmp_path, 0), RECIPE, 1)
    (cell,) = plan.cells_of["table5", ALONE, "shapes"][0]
    assert cell.cost == 2 * 14, "two epochs of all images that are learned from, one pass each"
    with closing(run_campaign(plan, tmp_path, device="cpu")) as steps:
        assert list(steps)[-1].done == 2
    run = RunDirectory(run_folder(tmp_path, cell))
    parts = [row.part for row in read_split(run.split_csv)]
    assert (parts.count("train"), parts.count("validation"), parts.count("test")) == (14, 0, 4)
    run.write_pointer("best", "an-earlier-one")
    assert open_trained(tmp_path, cell, "cpu").path.stem == run.read_pointer("last")


def test_folds_are_made_of_official_validation_images_too(shapes, tmp_path):
    first, second = open_materials([shapes], tmp_path, 2)[0].parts
    assert (len(first.records), len(second.records)) == (14, 14)
    measured = {record.name for part in (first, second) for record in part.of_split("test")}
    assert sum("/val/" in name for name in measured) == 6
    assert not any("/test/" in name for name in measured)


def test_a_data_set_without_official_validation_images_stays_as_it_is(birds, tmp_path):
    assert open_materials([birds], tmp_path, 0)[0].whole.fingerprint() == open_data_set(birds).fingerprint()
