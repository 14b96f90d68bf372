"""O's features of every view that comes again, kept while a frozen backbone would compute the same ones in every epoch.

A frozen backbone gives one view one map, so O's S (Eq. 1) is computed once for each and read from the run's folder afterwards.
Validation images have one view; a training image has one, or two if it is flipped, where there are no random crops. D and C are
warped anew in every step, so their passes remain.

The folder ``features`` holds ``features.npy``, a row for each view, ``rows.npy``, which says what a row belongs to, and
``features.json``, which says of which network, device and precision all of them are. A row counts if its image file has the size
and time that it had, and if its checksum is right: what a killed process has left is used or computed again, never believed.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from s3n_core.datasets.loading import Batch, Sample
from s3n_core.datasets.transforms import is_mirrored
from s3n_core.method.network import S3N
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.system.atomic_files import make_folder, output_error, write_json
from s3n_core.system.seeding import EVALUATION, keyed_generator
from s3n_core.training.balance import plain_name
from s3n_core.training.preparing import Plan

FOLDER = "features"
"""The folder inside a run's that holds the cache; it may be deleted at any time between two trainings."""

_FORMAT_VERSION = 1
_SPARE = 1 << 28  # bytes that are left free for checkpoints
_ROW = np.dtype([("size", "<i8"), ("time", "<i8"), ("checksum", "<u4")])


class FeatureCache:
    """Features of a run's views by a frozen backbone.

    Args:
        run: The run.
        plan: Its plan.
        network: Its network, on its device, frozen.
        device: The device.
        precision: Precision of the layers.

    Attributes:
        needs_images: Whether the images themselves are still needed where the features are there: D and C are warped from them.
    """

    def __init__(self, run: RunDirectory, plan: Plan, network: S3N, device: str, precision: str) -> None:
        self._plan, self._network, self._device = plan, network, device
        self._folder = run.path / FOLDER
        self._views = 2 if plan.recipe.flip else 1
        self._first = {sample.name: index * self._views for index, sample in enumerate(plan.training)}
        validation = len(plan.training) * self._views
        self._first |= {sample.name: validation + index for index, sample in enumerate(plan.validation)}
        self._paths = {sample.name: sample.path for sample in (*plan.training, *plan.validation)}
        self._shape = (validation + len(plan.validation), *_feature_shape(network))
        self._words = {
            "format": "s3n-features",
            "format_version": _FORMAT_VERSION,
            "backbone": _digest(network.backbone),
            "device": device,
            "precision": precision,
            "preprocess": repr(plan.preprocess),
            "names": hashlib.sha256("\0".join(self._first).encode("utf-8", "surrogateescape")).hexdigest(),
            "shape": list(self._shape),
        }
        self._known: set[int] = set()
        self._features: NDArray[Any] | None = None
        self._rows: NDArray[Any] | None = None
        self.needs_images = network.joint is not None or plan.network.control == "true_places"

    @property
    def size(self) -> int:
        """Bytes that all rows take: a bound on what is written."""
        return int(np.prod(self._shape)) * 4

    def sentence(self) -> str:
        """Say what is kept where, before it is."""
        return (
            f"The backbone is frozen: its features of {self._shape[0]:,} views are computed once and kept in {self._folder}, at "
            f"most {self.size / 1e6:,.1f} MB; they are deleted with the run."
        )

    def open(self) -> bool:
        """Open the cache, or begin a new one where there is none or it is of another network; return whether there is room."""
        try:
            if self._opened():
                return True
            shutil.rmtree(self._folder, ignore_errors=True)
            if shutil.disk_usage(self._folder.parent).free < self.size + _SPARE:
                return False
            make_folder(self._folder)
            self._map("w+")
            write_json(self._folder / "features.json", self._words)
        except OSError as error:
            shutil.rmtree(self._folder, ignore_errors=True)
            if error.errno == errno.ENOSPC:
                return False
            raise output_error(self._folder, error) from error
        return True

    def row(self, name: str, epoch: int) -> int:
        """Return the row of a sample's view.

        Args:
            name: The sample's key; a balanced epoch's names an image more than once.
            epoch: The epoch of a training view, or `EVALUATION`.
        """
        first = self._first[plain_name(name)]
        if epoch == EVALUATION:
            return first
        plan = self._plan
        draws = keyed_generator(plan.recipe.seed, epoch, "augmentation", name)
        return first + int(is_mirrored(plan.augmentation, draws))

    def has(self, row: int, path: Path) -> bool:
        """Return whether a row holds the features of the file at ``path`` as it is now. For any thread."""
        if row in self._known:
            return True
        assert self._rows is not None
        assert self._features is not None
        kept = self._rows[row]
        stamp = _stamp(path)
        if stamp is None or (int(kept["size"]), int(kept["time"])) != stamp:
            return False
        if zlib.crc32(np.ascontiguousarray(self._features[row]).data) != int(kept["checksum"]):
            return False
        self._known.add(row)
        return True

    def spared(self, sample: Sample, epoch: int) -> Image.Image | None:
        """Return a stand-in for an image that need not be decoded; None if it must be. For any thread."""
        if self.needs_images or not self.has(self.row(sample.name, epoch), self._paths[plain_name(sample.name)]):
            return None
        return Image.new("RGB", (1, 1))

    def features(self, batch: Batch, images: Tensor, epoch: int) -> Tensor | None:
        """Return O's features of a batch, shape (B, D, h, w), and keep those that were computed; None for an empty batch.

        Called under the autocast of the training.

        Args:
            batch: The batch.
            images: Its images, normalised, on the device.
            epoch: The epoch of a training batch, or `EVALUATION`.
        """
        if not len(batch):
            return None
        names = [plain_name(name) for name in batch.names]
        rows = [self.row(name, epoch) for name in batch.names]
        missing = [
            at for at, (row, name) in enumerate(zip(rows, names, strict=True)) if not self.has(row, self._paths[name])
        ]
        if missing:
            network = self._network
            with torch.no_grad():
                computed = network.features(network.network_view(images[missing]), "O")
            for at, values in zip(missing, computed.float().cpu().numpy(), strict=True):
                self._keep(rows[at], self._paths[names[at]], values)
        assert self._features is not None
        # Numbers of half precision are kept in single precision, which changes none of them.
        return torch.from_numpy(np.ascontiguousarray(self._features[rows])).to(self._device)

    def _keep(self, row: int, path: Path, values: NDArray[np.float32]) -> None:
        assert self._rows is not None
        assert self._features is not None
        self._features[row] = values
        stamp = _stamp(path)
        if stamp is None:  # the file has gone meanwhile: used now, not kept
            return
        self._rows[row] = (*stamp, zlib.crc32(np.ascontiguousarray(values).data))
        self._known.add(row)

    def _opened(self) -> bool:
        try:
            words = json.loads((self._folder / "features.json").read_bytes())
        except (OSError, ValueError):
            return False
        if words != self._words:
            return False
        try:
            self._map("r+")
        except (OSError, ValueError):
            return False
        return True

    def _map(self, mode: Any) -> None:
        new = mode == "w+"
        self._features = np.lib.format.open_memmap(
            self._folder / "features.npy", mode, np.float32 if new else None, self._shape if new else None
        )
        self._rows = np.lib.format.open_memmap(
            self._folder / "rows.npy", mode, _ROW if new else None, self._shape[:1] if new else None
        )
        if new and hasattr(os, "posix_fallocate"):  # a disk that fills up later must not end the process
            for name in ("features.npy", "rows.npy"):
                with (self._folder / name).open("r+b") as file:
                    os.posix_fallocate(file.fileno(), 0, file.seek(0, os.SEEK_END))
        if self._features.shape != self._shape or self._rows.shape != self._shape[:1]:
            raise ValueError("the files of another run")


def why_uncached(plan: Plan, processes: int) -> str:
    """Say why features of a frozen backbone are not kept; "" if they can be.

    Args:
        plan: The run's plan.
        processes: How many processes train.
    """
    start = "The backbone is frozen, but its features are not kept: "
    if plan.recipe.crop_scale is not None:
        return f"{start}random crops make every view a new one. Without them (crop_scale=none) they are computed once."
    if processes > 1:
        return f"{start}several processes share this training."
    return ""


def _feature_shape(network: S3N) -> tuple[int, int, int]:
    cells = network.config.feature_cells
    return network.backbone.channels, cells, cells


def _digest(backbone: nn.Module) -> str:
    found = hashlib.sha256()
    for name, value in backbone.state_dict().items():
        found.update(name.encode())
        found.update(np.ascontiguousarray(value.detach().cpu().numpy()).data)
    return found.hexdigest()


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return size and time of a file; None if it cannot be asked."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
