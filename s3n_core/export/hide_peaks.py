"""Testing an exported image's peaks: each is hidden in the original, beside random places of the same size."""

from __future__ import annotations

from PIL import Image

from s3n_core.datasets.records import ImageRecord
from s3n_core.errors import PlaceNotHidden
from s3n_core.export.hidden_peaks import HiddenPeaks
from s3n_core.inspection.hide_places import hide_places
from s3n_core.inspection.hiding import HidingSettings
from s3n_core.inspection.inspection import Inspection
from s3n_core.inspection.inspector import Inspector


def hide_peaks(
    inspector: Inspector,
    image: Image.Image,
    record: ImageRecord,
    inspection: Inspection,
    count: int,
    settings: HidingSettings,
) -> HiddenPeaks:
    """Hide each of an image's strongest peaks; all share the random places.

    Args:
        inspector: The model.
        image: The decoded original.
        record: The image, with its name and its box if it has one.
        inspection: Its inspection, without edits of peaks.
        count: Number of peaks.
        settings: How to hide them.

    Raises:
        OutOfMemory: The device has too little memory for one image.
    """
    peaks = inspection.warps.peaks[:count]
    if not peaks:
        return HiddenPeaks(error="it has no peaks")
    try:
        places = [(peak.x, peak.y) for peak in peaks]
        hidden = hide_places(inspector, image, places, name=record.name, box=record.box, settings=settings)
    except PlaceNotHidden as error:
        return HiddenPeaks(error=str(error))
    return HiddenPeaks(peaks, hidden)
