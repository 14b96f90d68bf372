"""What is to be predicted, as data: the folder, the model and how; and the command that does it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from s3n_core.runs.locations import home

PARTS = ("all", "train", "val", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionRequest:
    """A folder and a model.

    Attributes:
        model: A model file or a run's folder.
        images: The folder of images, or one image.
        part: "all", or a part of the data set: "train", "val", "test".
        device: "auto", "cpu", "cuda" or "mps".
        precision: "auto", or the precision of the network's layers.
        stop_below: H in nats up to which O alone answers an image; None asks all branches of all images.
    """

    model: Path
    images: Path
    part: str = "all"
    device: str = "auto"
    precision: str = "auto"
    stop_below: float | None = None

    @property
    def table(self) -> Path:
        """Where the window keeps the table of this request: the same place every time, so that a stopped job goes on."""
        parts = [str(self.model.absolute()), str(self.images.absolute()), self.part, self.precision]
        text = "\0".join(parts if self.stop_below is None else [*parts, f"{self.stop_below:g}"])
        key = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
        return home() / "window" / "predictions" / f"{key}.json"

    def arguments(self, out: Path | None = None, *, restart: bool = False) -> tuple[str, ...]:
        """Return what follows ``s3n`` on the command line.

        Args:
            out: Where the table goes; the window's own place if not given.
            restart: Whether rows of a stopped job are thrown away.
        """
        return (
            "predict",
            str(self.model),
            str(self.images),
            "--out",
            str(out or self.table),
            *(["--split", self.part] if self.part != "all" else []),
            *(["--device", self.device] if self.device != "auto" else []),
            *(["--precision", self.precision] if self.precision != "auto" else []),
            *([f"--stop-below={self.stop_below:g}"] if self.stop_below is not None else []),
            *(["--restart"] if restart else []),
        )

    def image_path(self, file: str) -> Path:
        """Return the file of a row."""
        return self.images if self.images.name == file and not self.images.is_dir() else self.images / file
