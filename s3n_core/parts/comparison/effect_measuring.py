"""Measuring what hiding each part costs each class: each class is compared with all others, and the atlas keeps the answers.

Most images of "all others" are the same for most classes. What the model says of such an image with a place hidden is asked once:
as it is, and with the random places and the places of parts that coincide. Places of parts, and with them the random places,
differ between classes where another class's margin is read elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

import numpy as np

from s3n_core.datasets.records import ImageRecord
from s3n_core.errors import AtlasError
from s3n_core.inspection.hide_places import KnownScores
from s3n_core.models.opening import Model
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.comparison.class_effects import IMAGES_OF_A_SIDE, class_effects
from s3n_core.parts.comparison.class_matrix import class_matrix
from s3n_core.parts.comparison.comparing import LabelledImages, Progress, compare_classes
from s3n_core.parts.comparison.stored_comparisons import keep_comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredClass:
    """A class is done.

    Attributes:
        name: The class.
        problem: Why it could not be measured; otherwise empty.
    """

    name: str
    problem: str = ""


def measure_effects(
    atlas: Atlas,
    model: Model,
    records: Mapping[str, ImageRecord],
    *,
    most: int = IMAGES_OF_A_SIDE,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Iterator[MeasuredClass]:
    """Measure the classes that are not measured with the parts as they are now; one that is done is kept at once.

    Args:
        atlas: The atlas.
        model: Its model.
        records: The images' records by name.
        most: Take at most so many images of the class, and of all others, evenly spaced.
        workers: Loading threads.
        progress: Called with (done, total) numbers of images, each of which counts once for reading and once for hiding.

    Yields:
        Each class, when it is done.

    Raises:
        AtlasError: The model is another one, or the images are gone.
        OutOfMemory: The device has too little memory for one image.
    """
    atlas.require(model.digest)
    matrix = class_matrix(atlas)
    left = [matrix.classes[row] for row in np.flatnonzero(~class_effects(atlas, matrix).measured)]
    images = LabelledImages(atlas)
    files = {name: _files(images, name, most) for name in left}
    wanted = set(chain.from_iterable(files.values()))
    if wanted and wanted.isdisjoint(records):
        raise AtlasError(
            "The data set no longer has the images of this atlas; name its folder, or build the atlas again."
        )
    done, total = 0, 2 * sum(map(len, files.values()))
    uses, known = Counter(chain.from_iterable(files.values())), dict[str, KnownScores]()

    def report(begun: int) -> Callable[[int, int], None]:
        def so_far(images: int, _: int) -> None:
            if progress is not None:
                progress(begun + images, total)

        return so_far

    for name in left:
        if not files[name]:
            yield MeasuredClass(name=name, problem="there are no images of it and of other classes")
            continue
        known |= {file: {} for file in files[name] if uses[file] > 1 and file not in known}
        problem = ""
        try:
            found = compare_classes(
                atlas,
                model,
                records,
                name,
                most=most,
                workers=workers,
                known=known,
                images=images,
                progress=report(done),
            )
            keep_comparison(atlas, found)
        except AtlasError as error:  # of this class's images; the others can still be measured
            problem = str(error).removesuffix(".")
        done += 2 * len(files[name])
        uses.subtract(files[name])
        known = {file: scores for file, scores in known.items() if uses[file]}
        yield MeasuredClass(name=name, problem=problem)


def _files(images: LabelledImages, name: str, most: int) -> list[str]:
    try:
        return [image.file for image in images.compared(name, most=most)[1]]
    except AtlasError:
        return []
