"""The settings of a prediction: images, model and options; and the equivalent command."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from s3n_gui.state.kept_results import kept_place

SPLIT_CHOICES = ("all", "train", "val", "validation", "test")
"""All images, the splits of a data set, and the validation images of the model's run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionRequest:
    """Images to predict with a model.

    Attributes:
        model: A model file or a run folder.
        images: A folder of images, or one image.
        format: The format that the images are read in, or "auto".
        split: "all"; a split of the data set: "train", "val" or "test"; or "validation": those of the model's run.
        device: "auto", "cpu", "cuda" or "mps".
        precision: "auto", or the precision of the network's layers.
        stop_below: Entropy H in nats up to which branch O alone predicts an image (fast mode); None runs all branches.
    """

    model: Path
    images: Path
    format: str = "auto"
    split: str = "all"
    device: str = "auto"
    precision: str = "auto"
    stop_below: float | None = None

    @property
    def table(self) -> Path:
        """The path of the window's table for this request: always the same, so that a stopped job resumes.

        The format has no part in it: images that are read in another one make the table outdated.
        """
        asked = [str(self.images.absolute()), self.split, self.precision]
        if self.stop_below is not None:
            asked.append(f"{self.stop_below:g}")
        return kept_place("predictions", self.model, asked, ".json")

    def arguments(self, out: Path | None = None, *, restart: bool = False) -> tuple[str, ...]:
        """Return the arguments of ``s3n``.

        Args:
            out: The output file; ``table`` by default.
            restart: Whether to discard the rows of a stopped job.
        """
        return (
            "predict",
            str(self.model),
            str(self.images),
            "--out",
            str(out or self.table),
            *([f"--format={self.format}"] if self.format != "auto" else []),
            *(["--split", self.split] if self.split != "all" else []),
            *(["--device", self.device] if self.device != "auto" else []),
            *(["--precision", self.precision] if self.precision != "auto" else []),
            *([f"--stop-below={self.stop_below:g}"] if self.stop_below is not None else []),
            *(["--restart"] if restart else []),
        )

    def image_path(self, file: str) -> Path:
        """Return the path of the image in a row of the table."""
        return self.images if self.images.name == file and not self.images.is_dir() else self.images / file
