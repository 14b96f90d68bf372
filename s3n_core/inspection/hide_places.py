"""Hiding places of an image and asking all branches again, beside random places of the same size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from s3n_core.datasets.records import Box
from s3n_core.datasets.transforms import test_view
from s3n_core.errors import PlaceNotHidden
from s3n_core.inspection.control_places import control_places
from s3n_core.inspection.displayed_image import displayed_image
from s3n_core.inspection.geometry import Place
from s3n_core.inspection.hidden_place import HiddenPlace
from s3n_core.inspection.hiding import HidingSettings, common_part, hidden_images, hide, window_size
from s3n_core.inspection.inspection import NOT_FINITE, Scores
from s3n_core.inspection.inspector import Inspector
from s3n_core.inspection.settings import InspectionSettings
from s3n_core.inspection.stages import Prepared
from s3n_core.models.batches import FittingPieces, default_batch_size

KnownScores = dict[Place | None, Scores]
"""What a model says of one image with a place hidden, by the place; None: of the unchanged image."""

MOST_SHOWN_SIDE = 512
"""Largest side of the image in a result, in pixels."""


def hide_places(
    inspector: Inspector,
    image: Image.Image,
    places: Sequence[Place],
    *,
    name: str = "",
    box: Box | None = None,
    settings: HidingSettings | None = None,
    inspection: InspectionSettings | None = None,
    prepared: Prepared | None = None,
    known: KnownScores | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[HiddenPlace, ...]:
    """Hide each of several places of an image, and random places, which all of them are compared with.

    Each changed image is a new image for the network: all branches see it, O finds its peaks again, and D and C are
    warped again. Edits of peaks belong to the unchanged image and are ignored.

    Args:
        inspector: The model.
        image: The decoded upright RGB original.
        places: Centres (x, y) of the places, in pixels of the original; at least one.
        name: The image's name, the key of the random places and of zeta.
        box: The object's bounding box, if known: the random places lie inside it.
        settings: How to hide; None: the defaults.
        inspection: Changes of the method's parameters.
        prepared: The result of ``inspector.prepare`` for this image, if already computed.
        known: What is known already from asking about this image with the same settings; what is asked is added to it.
        progress: Called with (done, total) numbers of images that are asked.

    Returns:
        One result per place, in order.

    Raises:
        PlaceNotHidden: There is no room for the random places, or an answer is not finite.
        ValueError: A place lies outside of what the network sees.
        OutOfMemory: The device has too little memory for one image.
    """
    model = inspector.model
    prepared = prepared or inspector.prepare(image, name)
    frame = prepared.frame(0)
    for place in places:
        if not frame.shows(place):
            raise ValueError(
                f"the network does not see the place ({place[0]:.0f}, {place[1]:.0f}) px, outside its crop"
            )
    numbers = replace(inspection or InspectionSettings(), edits=())
    (found,) = inspector.describe(inspector.resample(prepared, numbers))
    settings = settings or HidingSettings()
    settings = settings.resolved(window_size(found.response.window, found.response.map.shape, frame))
    peaks = [(peak.x, peak.y) for peak in found.warps.peaks]
    corners = None if box is None else (box.x, box.y, box.x + box.width, box.y + box.height)
    controls, region = control_places(name, settings, frame.box, [*peaks, *places], corners)
    random_places = [(x, y) for x, y in controls.tolist()]

    known = {} if known is None else known
    asked = [place for place in dict.fromkeys((None, *places, *random_places)) if place not in known]
    images, pieces = hidden_images(image, asked, settings), FittingPieces()
    at_once, scores = default_batch_size(model.device), list[Scores]()
    while len(scores) < len(asked):
        some = min(at_once, len(asked) - len(scores))
        views = np.stack([test_view(next(images), model.preprocess) for _ in range(some)])
        for part in pieces.over(len(views), partial(_scores, inspector, views, name, numbers)):
            scores += part
        if progress is not None:
            progress(len(scores), len(asked))
    if not all(of_image.is_finite for of_image in scores):
        raise PlaceNotHidden(f"With a place hidden, {NOT_FINITE}.", room=True)
    known.update(zip(asked, scores, strict=True))

    results = []
    for place in places:
        shown, scale = displayed_image(hide(image, place, settings), MOST_SHOWN_SIDE)
        rows = [known[one] for one in (None, place, *random_places)]
        results.append(
            HiddenPlace(
                name=name,
                place=(float(place[0]), float(place[1])),
                settings=settings,
                region=region,
                region_box=frame.box if region == "view" or corners is None else common_part(corners, frame.box),
                controls=controls,
                classes=model.classes,
                logits={branch: np.stack([row.logits[branch] for row in rows]) for branch in rows[0].logits},
                image=shown,
                image_scale=scale,
                model=model.path.name,
                model_digest=model.digest,
                precision=model.precision,
                licence=model.header.network.licence_notice,
            )
        )
    return tuple(results)


def _scores(
    inspector: Inspector, views: NDArray[np.uint8], name: str, settings: InspectionSettings, piece: slice
) -> tuple[Scores, ...]:
    some = views[piece]
    return inspector.scores(some, [name] * len(some), settings)
