"""The settings of a search for parts; and the equivalent command."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from s3n_gui.state.kept_results import kept_place


@dataclass(frozen=True, slots=True, kw_only=True)
class AtlasRequest:
    """Images in which to find the parts of a model.

    Attributes:
        model: A model file or a run folder.
        images: A folder of images.
        format: The format that the images are read in, or "auto".
        split: One of ``SPLIT_CHOICES``.
        device: "auto", "cpu", "cuda" or "mps".
        precision: "auto", or the precision of the network's layers.
        kept: The folder of the atlas, if it is known to lie elsewhere than a new one would.
    """

    model: Path
    images: Path
    format: str = "auto"
    split: str = "test"
    device: str = "auto"
    precision: str = "auto"
    kept: Path | None = field(default=None, compare=False)

    @property
    def folder(self) -> Path:
        """The window's folder for this atlas: always the same, so that a stopped job resumes, whatever number of parts."""
        return self.kept or kept_place("atlases", self.model, [str(self.images.absolute()), self.split, self.precision])

    def arguments(
        self, parts: int | None = None, *, parts_of: Path | None = None, restart: bool = False
    ) -> tuple[str, ...]:
        """Return the arguments of ``s3n``.

        Args:
            parts: Number of parts; None: suggested.
            parts_of: An atlas whose parts are taken, whatever ``parts`` says; None: they are found.
            restart: Whether to discard what an earlier job has collected.
        """
        return (
            "parts",
            "build",
            str(self.model),
            str(self.images),
            "--out",
            str(self.folder),
            *([f"--format={self.format}"] if self.format != "auto" else []),
            "--split",
            self.split,
            *(["--parts", str(parts)] if parts is not None and parts_of is None else []),
            *(["--parts-of", str(parts_of)] if parts_of is not None else []),
            *(["--device", self.device] if self.device != "auto" else []),
            *(["--precision", self.precision] if self.precision != "auto" else []),
            *(["--restart"] if restart else []),
        )
