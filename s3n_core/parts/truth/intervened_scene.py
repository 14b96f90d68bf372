"""One scene of the synthetic birds, and what a model says of it when parts or background objects are removed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from s3n_core.datasets.decoding import read_image
from s3n_core.datasets.loading import Batch, Sample
from s3n_core.demo.drawing import Scene
from s3n_core.demo.interventions import JPEG_QUALITY, SceneRecord
from s3n_core.demo.species import Species
from s3n_core.errors import DataSetError, UnreadableImage
from s3n_core.inspection.inspector import Inspector
from s3n_core.models.model_images import over_model_images

Removal = tuple[frozenset[str], int | None]
"""What is removed: parts, and the number of a background object or None."""

WHOLE: Removal = (frozenset(), None)

MOST_DIFFERENCE = 5.0
"""Mean difference per pixel and channel, of 255, from the stored image to the drawing stored alike, in the mask of any part.

Measured on 14 scenes: 0 at the same JPEG quality, also by another encoder (OpenCV's); at quality 85 up to 6.5; 13.5 and more
where a single part has another variant. A drawing that is not stored first differs by up to 11.2 (24 scenes), too near to that.
"""

MOST_ELSEWHERE = 1.0
"""The same over the whole image, where the background may be another: 0 at the same JPEG quality, 1.2 to 1.9 at quality 85. It
cannot tell birds apart: with a single part changed it can be 0.1.
"""


class IntervenedScene:
    """Draws a scene without parts or background objects, and asks a model about the drawings, each at most once.

    The drawings are exact: they are not stored as JPEG.

    Args:
        inspector: The model.
        root: The data set's folder.
        record: The scene.
        species: Its species.

    Raises:
        DataSetError: The stored image shows another scene than this version of the program draws.
        UnreadableImage: The stored image cannot be read.
    """

    def __init__(self, inspector: Inspector, root: Path, record: SceneRecord, species: Species) -> None:
        self.record = record
        self._inspector, self._root, self._species = inspector, root, species
        self._scene = Scene(record.scene, record.seed)
        self._logits: dict[Removal, NDArray[np.float64]] = {}
        self.whole = self.draw(WHOLE)
        stored = read_image(root / record.image)
        if stored.size != self.whole.size or not self._shows(stored):
            raise DataSetError(
                f"{root / record.image} does not show scene {record.scene} of seed {record.seed} as this version draws it. "
                "Draw the data set again."
            )

    def _shows(self, stored: Image.Image) -> bool:
        """Return whether the stored image is the drawing, in every part and as a whole."""
        differences = _differences(stored, _as_stored(self.whole))
        masks = self.masks(self.record.part_masks).values()
        return bool(differences.mean() <= MOST_ELSEWHERE) and all(
            differences[mask].mean() <= MOST_DIFFERENCE for mask in masks if mask.any()
        )

    def draw(self, removal: Removal) -> Image.Image:
        """Draw the scene without parts and a background object."""
        parts, number = removal
        background = () if number is None else (number,)
        return self._scene.draw(self._species, without=parts, background_without=background).image

    def logits(self, removals: Iterable[Removal]) -> Mapping[Removal, NDArray[np.float64]]:
        """Return the model's logits for drawings, each less the mean over all classes, shape (C,).

        Raises:
            OutOfMemory: The device has too little memory for one image.
        """
        asked = list(dict.fromkeys(removals))
        missing = [removal for removal in asked if removal not in self._logits]
        model = self._inspector.model
        samples = [Sample(self._root / self.record.image, str(position)) for position in range(len(missing))]

        def work(batch: Batch) -> Sequence[NDArray[np.float64]]:
            # All drawings of a scene have the draws of its image, where the model needs any.
            scores = self._inspector.scores(batch.images, [self.record.image] * len(batch))
            return [of_image.logits[of_image.answer].astype(np.float64) for of_image in scores]

        loop = over_model_images(
            model,
            samples,
            work,
            workers=1,  # a scene is painted by one thread at a time, while the network runs
            read=lambda sample: self._drawn(missing[int(sample.name)]),
        )
        with closing(loop) as batches:
            for position, logits in (pair for batch in batches for pair in batch):
                if isinstance(logits, UnreadableImage):
                    raise logits
                self._logits[missing[position]] = logits - logits.mean()
        return {removal: self._logits[removal] for removal in asked}

    def _drawn(self, removal: Removal) -> Image.Image:
        return self.whole if removal == WHOLE else self.draw(removal)

    def masks(self, files: Mapping[str, str]) -> dict[str, NDArray[np.bool_]]:
        """Return stored masks, shape (height, width) of the image, by the keys of ``files``.

        Raises:
            DataSetError: A file is missing or damaged.
        """
        return {name: self._mask(self._root / file) for name, file in files.items()}

    def _mask(self, path: Path) -> NDArray[np.bool_]:
        try:
            with Image.open(path) as image:
                mask = np.asarray(image.convert("1"), dtype=bool)
        except (OSError, ValueError, SyntaxError) as error:
            raise DataSetError(f"{path} cannot be read ({error}). Draw the data set again.") from None
        if mask.shape != (self.whole.height, self.whole.width):
            raise DataSetError(f"{path} has another size than its image. Draw the data set again.")
        return mask


def _as_stored(image: Image.Image) -> Image.Image:
    """Return an image as it is once it has been stored with the data set."""
    file = BytesIO()
    image.save(file, format="JPEG", quality=JPEG_QUALITY)
    return Image.open(file).convert("RGB")


def _differences(first: Image.Image, second: Image.Image) -> NDArray[np.float64]:
    """Return the mean difference over the channels of each pixel, (height, width), of 255."""
    one, other = (np.asarray(image, dtype=np.int16) for image in (first, second))
    return np.asarray(np.abs(one - other).mean(axis=2))
