"""A small but complete training run on synthetic birds that takes seconds."""

from dataclasses import dataclass
from pathlib import Path

from s3n_core.datasets.detection import open_data_set
from s3n_core.demo.writing import write_drawn_birds
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.training.preparing import prepare_run
from s3n_core.training.recipes import find_recipe

SMALL = {
    "weights": "none",
    "network.input_size": 64,
    "network.source_size": 64,
    "epochs": 2,
    "batch_size": 12,
    "validation": 0.34,
    "probes": 2,
}
"""Settings that make a recipe small: the network of `quick` on small images."""


@dataclass(frozen=True)
class TrainedRun:
    """A read-only run; copy it before changing it.

    Attributes:
        path: The run folder, ``root / "birds-1"``.
        data: Its synthetic birds: twelve species, three training images and one test image each.
        root: The runs folder; its parent can serve as ``S3N_HOME``.
    """

    path: Path
    data: Path
    root: Path


def draw_small_birds(out: Path) -> Path:
    """Draw the data set of the small run."""
    write_drawn_birds(out, train_per_species=3, test_per_species=1, workers=1)
    return out


def prepare_small_run(path: Path, data: Path, **settings: object) -> RunDirectory:
    """Prepare a small run, ready for the trainer."""
    recipe = find_recipe("quick").changed(SMALL | settings)
    return prepare_run(path, open_data_set(data), recipe, device="cpu")
