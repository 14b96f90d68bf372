"""An atlas together with its model and its images, which can compare classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from tempfile import TemporaryDirectory

from s3n_core.datasets.records import ImageRecord
from s3n_core.models.opening import Model
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.comparison.comparing import compare_classes
from s3n_core.parts.comparison.comparison import Comparison


class ModelAtlas(Atlas):
    """An atlas with the model and the images that it was built from.

    Args:
        path: As for `Atlas`.
        model: Its model.
        records: Its images.
        kept: A temporary folder that holds the atlas, kept as long as the atlas is used.

    Raises:
        AtlasError: There is none, it is damaged, or the model is another one.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        model: Model,
        records: Sequence[ImageRecord],
        kept: TemporaryDirectory[str] | None = None,
    ) -> None:
        super().__init__(path)
        self.require(model.digest)
        self._model, self._kept = model, kept
        self._records = {record.name: record for record in records}

    def compare(
        self,
        a: str,
        b: str | None = None,
        *,
        removal: bool = True,
        second: bool = False,
        most: int | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Comparison:
        """Return what tells class A from class B: each part's contribution, and what happens when it is hidden.

        Args:
            a: A class.
            b: Another class; None: all others.
            removal: Also hide each part in each image, beside random places: 21 predictions or more an image.
            second: Also find the second-best mark, by hiding the best one in every image.
            most: Take at most so many images of each side; None: all, of all other classes 100.
            progress: Called with (done, total) numbers of images.

        Raises:
            AtlasError: There is no such class or image.
            OutOfMemory: The device has too little memory for one image.
        """
        return compare_classes(
            self,
            self._model,
            self._records,
            a,
            b,
            removal=removal,
            second=second,
            most=most,
            progress=progress,
        )
