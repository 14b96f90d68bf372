"""Reading an image by the parts of an atlas: what each part contributes, where it is, and what is lost when it is hidden."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from s3n_core.datasets.loading import Batch, Sample
from s3n_core.datasets.records import Box, ImageRecord
from s3n_core.datasets.transforms import source_box
from s3n_core.errors import PlaceNotHidden, UnreadableImage
from s3n_core.inspection.contribution_job import contributions_of_views
from s3n_core.inspection.geometry import Place, ViewFrame
from s3n_core.inspection.hidden_place import HiddenPlace
from s3n_core.inspection.hide_places import KnownScores, hide_places
from s3n_core.inspection.hiding import HidingSettings
from s3n_core.inspection.inspection import NOT_FINITE, Scores
from s3n_core.inspection.inspector import Inspector
from s3n_core.inspection.placed_contributions import Contributions
from s3n_core.method.contributions import OTHERS
from s3n_core.models.model_images import over_model_images
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.descriptors import StageFeatures
from s3n_core.parts.atlas.part_edits import PartEdit
from s3n_core.parts.atlas.part_place import SAME_PLACE

Pair = tuple[int, int]
"""The class whose margin is divided, and the one whose logit is subtracted: `OTHERS` for the mean of all others."""

ReadImage = Callable[[Sample], Image.Image]

NO_ROOM = "there is no room for random places"
"""Why nothing is hidden in an image, if not because an answer is `NOT_FINITE`."""


@dataclass(frozen=True, eq=False)
class ImageParts:
    """What is read in one image.

    Attributes:
        pair: Whose margin is divided.
        predicted: Index of the predicted class.
        contributions: What each part that is found contributes to the margin, in logits.
        rest: What is read at no part, in logits.
        outside: The same, outside the object's box; 0 if that is not known.
        bias: The difference of the biases, in logits.
        places: Where each part is, (x, y) in original pixels.
    """

    pair: Pair
    predicted: int
    contributions: Mapping[int, float]
    rest: float
    outside: float
    bias: float
    places: Mapping[int, Place]


@dataclass(frozen=True, eq=False)
class HiddenPart:
    """What happens when a part is hidden in an image, beside random places of the same size.

    Attributes:
        place: Where it was hidden, (x, y) in original pixels.
        settings: How.
        loss: How much of the margin is lost, in logits.
        random_losses: The same for each random place, (n,).
        changed: Whether the predicted class changes.
        random_changed: The share of random places that change it, in [0, 1].
    """

    place: Place
    settings: HidingSettings
    loss: float
    random_losses: NDArray[np.float64]
    changed: bool
    random_changed: float

    @property
    def beyond_random(self) -> float:
        """The loss less the mean loss for random places, in logits."""
        return self.loss - float(self.random_losses.mean())


def margins_of(logits: NDArray[np.floating], pair: Pair) -> NDArray[np.float64]:
    """Return the margin of one class over another, or over the mean of all others, from logits (n, C), shape (n,)."""
    values = logits.astype(np.float64)
    target, versus = pair
    if versus != OTHERS:
        margins: NDArray[np.float64] = values[:, target] - values[:, versus]
        return margins
    others = (values.sum(axis=1) - values[:, target]) / max(values.shape[1] - 1, 1)
    return np.asarray(values[:, target] - others)


@dataclass(frozen=True, eq=False)
class Owners:
    """Which part owns what in an image, -1 for none; hidden parts own nothing.

    Attributes:
        cells: The part of every cell by branch, (h, w).
        peaks: The part of each peak, (n,), in the order of `Contributions.peaks`.
    """

    cells: Mapping[str, NDArray[np.int64]]
    peaks: NDArray[np.int64]


def owners_of(
    atlas: Atlas, stage: StageFeatures, row: int, found: Contributions, frame: ViewFrame, predicted: int, file: str = ""
) -> Owners:
    """Return what each part owns: cells of D and C have the part of their place in O.

    A part owns the cells and peaks whose descriptor is nearest to its centroid and within its reach, and peaks that a person has
    moved to it, with their cells.

    Args:
        atlas: The atlas.
        stage: The features of the batch.
        row: The image in it.
        found: The image's contributions, whose cells and peaks these are.
        frame: Where the network's square lies in the image.
        predicted: Index of the predicted class.
        file: The image's name in the atlas; empty if it is not one of the atlas's.
    """
    moved = any(edit.kind == "reassign" and edit.image == file for edit in atlas.parts.edits)
    by_branch = [places.reshape(-1, 2) for places in found.places.values()]
    cells = np.concatenate(by_branch)
    peaks = np.array([(peak.x, peak.y) for peak in found.peaks], dtype=np.float64).reshape(-1, 2)
    step = _cell_size(found.places["O"]) if moved and "O" in found.places else np.zeros(2)
    descriptors = stage.at(row, frame, np.concatenate([cells, peaks]))
    cells_of = CellsOfPeaks(file, cells, peaks, step, SAME_PLACE * max(found.image_size)) if moved else None
    parts, within = atlas.parts.of(atlas.compared(descriptors, predicted), cells_of)
    hidden = [part for part in atlas.parts.numbers if atlas.parts.is_hidden(part)]
    owners = np.where(within & ~np.isin(parts, hidden), parts, -1)
    *of_cells, of_peaks = np.split(owners, np.cumsum([len(places) for places in by_branch]))
    return Owners(
        {
            branch: some.reshape(places.shape[:2])
            for (branch, places), some in zip(found.places.items(), of_cells, strict=True)
        },
        of_peaks,
    )


class CellsOfPeaks:
    """Which cells go with a peak that is moved to another part.

    Those of the peak's own cell of O; and of the cells that are nearer to it than to the image's other peaks, those of the part
    that it had. A peak that is not there any more, in an image of which a place is hidden, moves nothing.

    Args:
        file: The image's name; peaks that were moved in other images move nothing here.
        places: Of the cells, (n, 2); the peaks' descriptors follow those of the cells.
        peaks: Places of the image's peaks, (m, 2).
        step: The width and height of a cell of O.
        reach: How far a peak may lie from the place of an edit that moves it, in pixels.
    """

    def __init__(
        self,
        file: str,
        places: NDArray[np.floating],
        peaks: NDArray[np.float64],
        step: NDArray[np.float64],
        reach: float,
    ) -> None:
        self._file, self._places, self._peaks, self._step, self._reach = file, places, peaks, step, reach

    def __call__(self, edit: PartEdit, parts: NDArray[np.int64], within: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Return the rows that an edit moves (`EditedParts.of`)."""
        if edit.image != self._file or not len(self._peaks):
            return np.empty(0, dtype=np.intp)
        count = len(self._places)
        distances = np.hypot(*(self._peaks - (edit.x, edit.y)).T)
        peak = int(np.argmin(distances))
        if distances[peak] > self._reach:
            return np.empty(0, dtype=np.intp)
        away = self._places[:, None, :] - self._peaks[None, :, :]
        nearest = np.hypot(away[..., 0], away[..., 1]).argmin(axis=1) == peak
        own = (np.abs(away[:, peak]) <= self._step / 2).all(axis=1)
        with_it = nearest & within[:count] & (parts[:count] == parts[count + peak])
        return np.append(np.flatnonzero(own | with_it), count + peak)


def _cell_size(places: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the width and height of a cell from the places (h, w, 2) of a regular grid; 0 for a single row or column."""
    across = places[0, 1, 0] - places[0, 0, 0] if places.shape[1] > 1 else 0.0
    down = places[1, 0, 1] - places[0, 0, 1] if places.shape[0] > 1 else 0.0
    return np.array([across, down], dtype=np.float64)


def read_parts(
    atlas: Atlas,
    inspector: Inspector,
    records: Sequence[ImageRecord],
    ask: Callable[[Scores], Pair],
    read: ReadImage,
    *,
    boxed: bool = False,
    workers: int | None = None,
    step: Callable[[int], None] | None = None,
) -> list[ImageParts | UnreadableImage | None]:
    """Return what is read at each part in each image; None for an image whose scores are not finite.

    Args:
        atlas: The atlas.
        inspector: Its model.
        records: The images.
        ask: Chooses whose margin is divided from an image's scores.
        read: Decodes a sample.
        boxed: Tell what is read outside the objects' boxes, which all images have.
        workers: Loading threads.
        step: Called with the number of images of each batch that is done.

    Raises:
        OutOfMemory: The device has too little memory for one image.
    """
    model = inspector.model
    found: list[ImageParts | UnreadableImage | None] = [None] * len(records)
    with StageFeatures(model) as stage:

        def work(batch: Batch) -> Sequence[ImageParts | None]:
            sizes = [(width, height) for width, height in batch.sizes.tolist()]
            predicted, pairs = dict[int, int](), dict[int, Pair]()

            def asked(row: int, scores: Scores) -> Pair:
                predicted[row] = scores.predicted
                pairs[row] = ask(scores)
                return pairs[row]

            stage.forget()
            answers = contributions_of_views(inspector, batch.images, batch.names, sizes, asked)
            results = list[ImageParts | None]()
            for row, of_image in enumerate(answers):
                if not np.isfinite(of_image.total):
                    results.append(None)
                    continue
                frame = ViewFrame(box=source_box(sizes[row], model.preprocess), size=model.preprocess.source_size)
                record = records[batch.positions[row]]
                known = atlas.peak_rows.image(record.name)
                own = known is not None and (known.width, known.height) == sizes[row]
                file = record.name if own else ""
                owners = owners_of(atlas, stage, row, of_image, frame, predicted[row], file)
                box = record.box if boxed else None
                shares = of_image.rows(parts=owners.cells, box=box)
                results.append(
                    ImageParts(
                        pair=pairs[row],
                        predicted=predicted[row],
                        contributions={
                            share.index: share.total
                            for share in shares
                            if share.kind == "part" and share.index is not None
                        },
                        rest=sum(share.total for share in shares if share.kind == "elsewhere"),
                        outside=sum(share.total for share in shares if share.kind == "outside"),
                        bias=of_image.bias,
                        places=part_places(of_image, owners, frame),
                    )
                )
            return results

        loop = over_model_images(
            model,
            [Sample.of(record) for record in records],
            work,
            workers=workers,
            read=read,
        )
        with closing(loop) as batches:
            for results in batches:
                for position, result in results:
                    found[position] = result
                if step is not None:
                    step(len(results))
    return found


def hide_parts(
    inspector: Inspector, record: ImageRecord, parts: ImageParts, read: ReadImage, known: KnownScores | None = None
) -> dict[int, HiddenPart] | str:
    """Hide each part that is found in an image, one after the other, beside random places of the same size.

    Args:
        inspector: The model.
        record: The image.
        parts: What is found in it.
        read: Decodes it.
        known: What is known already of this image with places hidden; what is asked is added to it.

    Returns:
        One result per part; or why nothing was hidden, as of `hide_beside_random`.

    Raises:
        OutOfMemory: The device has too little memory for one image.
    """
    places = parts.places
    hidden = hide_beside_random(
        inspector, read(Sample.of(record)), places, name=record.name, box=record.box, known=known
    )
    if isinstance(hidden, str):
        return hidden
    found = dict[int, HiddenPart]()
    for part, result in hidden.items():
        logits = result.logits[result.answer]
        margins, said = margins_of(logits, parts.pair), logits.argmax(axis=1)
        found[part] = HiddenPart(
            place=places[part],
            settings=result.settings,
            loss=float(margins[0] - margins[1]),
            random_losses=margins[0] - margins[2:],
            changed=bool(said[1] != said[0]),
            random_changed=float((said[2:] != said[0]).mean()),
        )
    return found


def hide_beside_random(
    inspector: Inspector,
    image: Image.Image,
    places: Mapping[int, Place],
    *,
    name: str,
    box: Box | None,
    known: KnownScores | None = None,
) -> dict[int, HiddenPlace] | str:
    """Hide the places of parts in an image, all beside the same random places, or each beside its own where there is no room.

    Args:
        inspector: The model.
        image: The decoded image.
        places: Where each part is, (x, y) in original pixels.
        name: The image's name.
        box: The object's box, if known.
        known: As of `hide_parts`.

    Returns:
        One result per part; or why nothing was hidden: there is no room for random places either way (`NO_ROOM`), or an answer is
        not finite (`NOT_FINITE`).

    Raises:
        OutOfMemory: The device has too little memory for one image.
    """
    known = {} if known is None else known
    for grouped in ([list(places)], [[part] for part in places]):
        found = dict[int, HiddenPlace]()
        try:
            for some in grouped:
                if some:
                    asked = [places[part] for part in some]
                    results = hide_places(inspector, image, asked, name=name, box=box, known=known)
                    found.update(zip(some, results, strict=True))
        except PlaceNotHidden as error:
            if error.room:
                return NOT_FINITE  # the same places hidden one by one have the same answers
            continue
        return found
    return NO_ROOM


def part_places(found: Contributions, owners: Owners, frame: ViewFrame) -> dict[int, Place]:
    """Return where each part lies: at its strongest peak, else at its cell with the largest absolute contribution per area.

    The area is that of the cell in the original.
    """
    x0, y0, x1, y1 = frame.box

    def inside(x: float, y: float) -> Place:
        return min(max(x, x0), x1), min(max(y, y0), y1)

    at_peaks = dict[int, Place]()
    for peak, part in zip(found.peaks, owners.peaks.tolist(), strict=True):
        if part >= 0:
            at_peaks.setdefault(part, inside(peak.x, peak.y))  # the strongest comes first
    best: dict[int, tuple[float, Place]] = {}
    for branch, of_cells in found.values.items():
        corners = found.corners[branch].astype(np.float64)
        across, down = corners[1:, 1:] - corners[:-1, :-1], corners[1:, :-1] - corners[:-1, 1:]
        area = np.maximum(np.abs(across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]) / 2, 1.0)
        density = np.abs(of_cells) / area
        for row, column in np.argwhere(owners.cells[branch] >= 0):
            part, value = int(owners.cells[branch][row, column]), float(density[row, column])
            if part not in best or value > best[part][0]:
                best[part] = value, inside(*found.places[branch][row, column].tolist())
    return {part: at_peaks.get(part, place) for part, (_, place) in best.items()}
