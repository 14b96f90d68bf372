"""The question before pretrained weights are downloaded: which file, how large, from where, and what its licence allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtWidgets import QWidget

from s3n_core.method.weight_licences import WeightLicence
from s3n_gui.appearance.wording import breakable_text
from s3n_gui.widgets.question import Answer, Question

DOWNLOAD = "download"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightFile:
    """The weights that would be downloaded.

    Attributes:
        backbone: The backbone.
        place: The address that they are downloaded from.
        file: The file that they belong in.
        size: About their bytes; 0 if that is not known.
        licence: Name of their licence.
        sentence: What must be known of it.
    """

    backbone: str
    place: str
    file: str
    size: int
    licence: str
    sentence: str


class DownloadQuestion(Question):
    """Asks whether to download weights: "download", "cancel" or another given answer."""

    def __init__(
        self, weights: WeightFile, words: str, answers: Sequence[Answer], parent: QWidget | None = None
    ) -> None:
        """Create the dialog.

        Args:
            weights: What would be downloaded.
            words: What follows the download, as a sentence; may be empty.
            answers: The answers besides "Cancel", the last one with the key `DOWNLOAD`.
            parent: The window.
        """
        forbids = WeightLicence(weights.backbone, weights.licence).non_commercial
        about = f"About {weights.size / 1e6:,.0f} MB from\n" if weights.size else "From\n"
        super().__init__(
            "Download weights for non-commercial use only?" if forbids else "Download weights?",
            breakable_text(f"{weights.backbone}\n{about}{weights.place}\nto {weights.file}"),
            breakable_text(f"{weights.sentence} {words}".strip()),
            answers,
            parent,
        )
