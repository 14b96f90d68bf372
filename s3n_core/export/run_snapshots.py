"""Reading a run's snapshots of its probe images, epoch by epoch. Does not import torch.

A snapshot stores peaks with their memberships, from which Q_d is computed as in the network (Eqs. 5 and 6).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from s3n_core.datasets.decoding import read_image
from s3n_core.datasets.validation_images import run_validation_count
from s3n_core.errors import RunError, UnreadableImage
from s3n_core.method.alignment import grid_to_share
from s3n_core.runs.metrics_reading import read_epochs
from s3n_core.runs.run_directory import RunDirectory

_LEAST_RESPONSE = 1e-3  # as in method.sparse_attention


@dataclass(frozen=True, slots=True, eq=False)
class ProbeSnapshot:
    """One probe image after one epoch.

    Attributes:
        name: The image's name.
        view: The network's input image, RGB.
        image_d: The discriminative image.
        image_c: The complementary image.
        response: R, shape (h, w), in [0, 1], in steps of 1/255.
        map_d: Q_d, shape (h, w); None if the run uses dense maps.
        peaks: One row per peak: x and y as fractions of the view's sides, R, membership in T_d, membership in T_c.
        truth: The true class, or None.
        answer: The predicted class.
        probability: Its probability.
    """

    name: str
    view: Image.Image
    image_d: Image.Image
    image_c: Image.Image
    response: NDArray[np.float64]
    map_d: NDArray[np.float64] | None
    peaks: NDArray[np.float64]
    truth: str | None
    answer: str
    probability: float


class RunSnapshots:
    """The snapshots of a run.

    Attributes:
        name: The run's name.
        epochs: The epochs that have a snapshot, from 0.
        planned: Number of epochs planned.
        sparse: Whether the run uses sparse attention (peaks).
        images: The folder of the data set; None if the run does not say.
    """

    def __init__(self, path: Path) -> None:
        """Open the run folder ``path``.

        Raises:
            RunError: The folder is not a run, or has no snapshots.
        """
        run = RunDirectory(path)
        content = run.read_run()
        recipe, data = content.get("recipe", {}), content.get("data")
        root = data.get("root") if isinstance(data, dict) else None
        self.images = Path(root) if isinstance(root, str) else None
        network = recipe.get("network", {})
        self.name = path.name
        self.sparse = network.get("attention", "sparse") == "sparse"
        self._folder, self._path = run.snapshots, path
        self._base = float(network.get("base", 0.0))
        self._side = int(network.get("source_size", 0))
        lines = read_epochs(run.metrics_jsonl)
        self._measured = {line["epoch"]: line for line in lines if isinstance(line.get("epoch"), int)}
        names = [folder.name for folder in self._folder.glob("epoch-*")] if self._folder.is_dir() else []
        numbers = sorted(int(name[6:]) for name in names if name[6:].isdigit())
        self.epochs = tuple(epoch for epoch in numbers if (self._place(epoch) / "probes.json").is_file())
        self.planned = max(int(recipe.get("epochs", 0)), *(epoch + 1 for epoch in self.epochs), 0)
        if not self.epochs:
            raise RunError(
                f"The run {self.name} has no snapshots: it was trained with probes = 0, or its first epoch is not "
                "done yet."
            )

    def accuracy(self, epoch: int) -> tuple[str, float, int | None] | None:
        """Return the accuracy after an epoch, as (split, fraction, number of images or None); None if unknown."""
        line = self._measured.get(epoch, {})
        known = run_validation_count(self._path)
        for prefix, words, count in (("validation_", "validation", known), ("", "training", None)):
            share = line.get(f"{prefix}accuracy_joint", line.get(f"{prefix}accuracy_O"))  # O alone has no joint head
            images = line.get(f"{prefix}images", count)
            if isinstance(share, float):
                return words, share, round(images) if isinstance(images, int | float) else None
        return None

    def probes(self, epoch: int) -> tuple[ProbeSnapshot, ...]:
        """Read the probe images of an epoch.

        Raises:
            RunError: One of its files is missing or damaged.
        """
        place = self._place(epoch)
        beta = self._measured.get(epoch, {}).get("beta_d")
        try:
            entries = json.loads((place / "probes.json").read_bytes())
            return tuple(self._probe(place, probe_number(entry, i), entry, beta) for i, entry in enumerate(entries))
        except (OSError, ValueError, KeyError, TypeError, UnreadableImage) as error:
            raise RunError(
                f"The snapshot {place} is broken ({error}); delete this folder to skip the epoch."
            ) from error

    def _probe(self, place: Path, number: int, entry: dict[str, Any], beta: float | None) -> ProbeSnapshot:
        names = ("x", "y", "response", "weight_d", "weight_c")
        peaks = np.array([[peak[name] for name in names] for peak in entry["peaks"]], dtype=np.float64).reshape(-1, 5)
        cells = peaks.copy()
        peaks[:, :2] = view_places(peaks[:, :2], self._side)
        with Image.open(place / f"probe-{number}-r.png") as stored:
            response = np.asarray(stored, dtype=np.float64) / 255
        size = (response.shape[1], response.shape[0])
        predictions = entry["predictions"]
        answer, probability = predictions.get("joint") or predictions["O"]
        return ProbeSnapshot(
            name=str(entry["image"]),
            response=response,
            view=read_image(self._folder / f"probe-{number}.jpg"),
            image_d=read_image(place / f"probe-{number}-d.jpg"),
            image_c=read_image(place / f"probe-{number}-c.jpg"),
            map_d=map_of_peaks(cells, size, float(beta), self._base) if self.sparse and beta is not None else None,
            peaks=peaks,
            truth=entry["class"],
            answer=str(answer),
            probability=float(probability),
        )

    def _place(self, epoch: int) -> Path:
        return self._folder / f"epoch-{epoch:04d}"


def probe_number(entry: Mapping[str, Any], place: int) -> int:
    """Return the number of a probe's files: that of its entry in ``probes.json``, or its place in the list in earlier runs."""
    return int(entry["number"]) if "number" in entry else place


def view_places(places: NDArray[np.floating], side: int) -> NDArray[np.float64]:
    """Return where peaks lie in a probe's view.

    Args:
        places: (x, y) as in ``probes.json``: 0 is the centre of a map's first cell, 1 that of its last; shape (..., 2).
        side: Side of the view in pixels (``network.source_size``); 0: unknown, and half a pixel is neglected.

    Returns:
        Fractions of the view's sides, shape (..., 2).
    """
    array = np.asarray(places, dtype=np.float64)
    return grid_to_share(2 * array - 1, side) if side else array


def map_of_peaks(peaks: NDArray[np.floating], size: tuple[int, int], beta: float, base: float) -> NDArray[np.float64]:
    """Return Q_d of peaks: base + sum_i w_i R_i exp(-d_i^2 / (R_i beta^2)) (Eqs. 5 and 6).

    Args:
        peaks: As in `ProbeSnapshot`, but x and y as in ``probes.json``.
        size: (width, height) of the map, in cells.
        beta: beta_1, in cells.
        base: Constant added to Q.
    """
    rows, columns = np.mgrid[: size[1], : size[0]].astype(np.float64)
    result = np.full((size[1], size[0]), base)
    for x, y, response, weight, _ in peaks:
        strength = max(response, _LEAST_RESPONSE)
        distance = (columns - x * (size[0] - 1)) ** 2 + (rows - y * (size[1] - 1)) ** 2
        result += weight * strength * np.exp(-distance / (strength * max(beta**2, _LEAST_RESPONSE)))
    return result
