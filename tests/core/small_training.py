"""A small training on drawn birds: real through and through, seconds long."""

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
"""What makes a recipe small: the network as `quick` has it, on small pictures."""


@dataclass(frozen=True)
class TrainedRun:
    """A run that is there to be read; who wants to change it copies it first.

    Attributes:
        path: The run's folder, ``root / "birds-1"``.
        data: The drawn birds that it learned from: twelve species, three training images and one test image each.
        root: The runs folder; its parent can stand as ``S3N_HOME``.
    """

    path: Path
    data: Path
    root: Path


def draw_small_birds(out: Path) -> Path:
    """Draw the data set of the small training."""
    write_drawn_birds(out, train_per_species=3, test_per_species=1, workers=1)
    return out


def prepare_small_run(path: Path, data: Path, **settings: object) -> RunDirectory:
    """Prepare a small run, ready for the trainer."""
    recipe = find_recipe("quick").changed(SMALL | settings)
    return prepare_run(path, open_data_set(data), recipe, device="cpu")
