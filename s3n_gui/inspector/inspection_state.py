"""What the page Inspect shows at this moment: image, evidence, scores, settings, chosen peak, cursor. No widgets.

Views set it and react to it; the controller alone talks to the engine. Setting an equal value emits nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from s3n_core.inspection.inspection import Inspection
from s3n_core.inspection.peak import Cell, Peak, PeakEdit
from s3n_core.inspection.settings import InspectionSettings

Place = tuple[float, float]


class InspectionState(QObject):
    """The state of the page.

    Signals:
        image_changed: Another image is chosen (``Path`` or None); what was shown of the last one stays until the new
            evidence lands, so that nothing jumps.
        evidence_changed: Maps, grids, peaks or warped images are others.
        scores_changed: Scores have landed, or have gone stale.
        settings_changed: The numbers or the peaks' edits are others.
        selection_changed: Another peak is chosen (its cell, or None).
        cursor_changed: The place under the mouse in original pixels, or None.
        original_held: Whether the plain original is shown instead of everything.
        message_changed: Why there is nothing to see, or an error; empty where all is well.
        busy_changed: Whether an answer is awaited.
    """

    image_changed = Signal(object)
    evidence_changed = Signal()
    scores_changed = Signal()
    settings_changed = Signal()
    selection_changed = Signal(object)
    cursor_changed = Signal(object)
    original_held = Signal(bool)
    message_changed = Signal(str)
    busy_changed = Signal(bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._image: Path | None = None
        self._evidence: Inspection | None = None
        self._evidence_image: Path | None = None
        self._answer: Inspection | None = None
        self._before: Inspection | None = None
        self._numbers = InspectionSettings()
        self._edits: dict[Path, tuple[PeakEdit, ...]] = {}
        self._selected: Cell | None = None
        self._cursor: Place | None = None
        self._held = False
        self._message = ""
        self._busy = False

    # The image and what is known of it

    @property
    def image(self) -> Path | None:
        """The chosen image."""
        return self._image

    def choose_image(self, image: Path | None) -> None:
        """Choose an image; its evidence arrives later."""
        if image == self._image:
            return
        self._image = image
        self._answer = self._before = None
        self.select(None)
        self.image_changed.emit(image)
        self.scores_changed.emit()
        self.settings_changed.emit()  # edits belong to an image

    @property
    def evidence(self) -> Inspection | None:
        """The newest maps, grids and warped images; perhaps still those of the last image (`is_current`)."""
        return self._evidence

    @property
    def is_current(self) -> bool:
        """Whether the evidence is that of the chosen image."""
        return self._evidence is not None and self._evidence_image == self._image

    @property
    def answer(self) -> Inspection | None:
        """The last inspection of this image whose scores have landed."""
        return self._answer

    @property
    def before(self) -> Inspection | None:
        """What scores are compared with: the image's first answer, or the one that was kept."""
        return self._before

    @property
    def scores_stale(self) -> bool:
        """Whether the scores are older than the evidence."""
        return self._evidence != self._answer

    def take_evidence(self, inspection: Inspection) -> None:
        """Show new evidence whose scores are still to come."""
        self._evidence, self._evidence_image = inspection, self._image
        if self._selected is not None and self.selected_peak is None:
            self.select(None)
        self.evidence_changed.emit()
        self.scores_changed.emit()

    def take_answer(self, inspection: Inspection) -> None:
        """Show evidence with its scores; where only these are new, only they are told of."""
        self._answer = inspection
        if self._before is None:
            self._before = inspection
        shown = self._evidence
        if (
            self.is_current
            and shown is not None
            and (shown.response, shown.warps) == (inspection.response, inspection.warps)
            and shown.prediction.index == inspection.prediction.index  # whose class map a pane shows
        ):
            self._evidence = inspection
            self.scores_changed.emit()
        else:
            self.take_evidence(inspection)

    def amend(self, amended: Callable[[Inspection], Inspection]) -> None:
        """Replace what is shown by the same with something added, scores and all."""
        if self._evidence is None:
            return
        stale, last = self.scores_stale, self._evidence
        self._evidence = amended(last)
        if not stale:
            self._answer = self._evidence
        if self._before == last:
            self._before = self._evidence
        self.evidence_changed.emit()

    def show_stored(self, inspection: Inspection) -> None:
        """Show a stored inspection of the chosen image until the engine answers; nothing is compared with it."""
        self._answer = inspection
        self.take_evidence(inspection)

    def keep_as_before(self) -> None:
        """Compare with what is shown now from here on."""
        if self._answer is not None and not self.scores_stale:
            self._before = self._answer
            self.scores_changed.emit()

    def forget(self) -> None:
        """Forget all evidence: another model has been chosen."""
        self._evidence = self._answer = self._before = None
        self._edits.clear()
        self.select(None)
        self.evidence_changed.emit()
        self.scores_changed.emit()
        self.settings_changed.emit()

    # Settings: numbers hold for all images, edits for one

    @property
    def settings(self) -> InspectionSettings:
        """What is asked of the engine for the chosen image."""
        return replace(self._numbers, edits=self.edits)

    @property
    def numbers(self) -> InspectionSettings:
        """The settings without edits of peaks."""
        return self._numbers

    @property
    def edits(self) -> tuple[PeakEdit, ...]:
        """The edits of the chosen image's peaks."""
        return self._edits.get(self._image, ()) if self._image is not None else ()

    def set_numbers(self, numbers: InspectionSettings) -> None:
        """Take other numbers; any edits in them are left out."""
        numbers = replace(numbers, edits=())
        if numbers != self._numbers:
            self._numbers = numbers
            self.settings_changed.emit()

    def set_edits(self, image: Path, edits: tuple[PeakEdit, ...]) -> None:
        """Take other edits of an image's peaks."""
        if edits == self._edits.get(image, ()):
            return
        self._edits[image] = edits
        if not edits:
            del self._edits[image]
        if image == self._image:
            self.settings_changed.emit()

    # What the person points at

    @property
    def selected(self) -> Cell | None:
        """The chosen peak, by the cell where it was found."""
        return self._selected

    @property
    def selected_peak(self) -> Peak | None:
        """The chosen peak as it is now."""
        if self._evidence is None:
            return None
        return next((peak for peak in self._evidence.warps.peaks if peak.found_at == self._selected), None)

    def select(self, cell: Cell | None) -> None:
        """Choose a peak."""
        if cell != self._selected:
            self._selected = cell
            self.selection_changed.emit(cell)

    @property
    def cursor(self) -> Place | None:
        """The place under the mouse, whichever pane it is in, in original pixels."""
        return self._cursor

    def point_at(self, place: Place | None) -> None:
        """Say where the mouse is."""
        if place != self._cursor:
            self._cursor = place
            self.cursor_changed.emit(place)

    @property
    def holds_original(self) -> bool:
        """Whether the plain original is shown in every pane."""
        return self._held

    def hold_original(self, held: bool) -> None:
        """Show the plain original, or what was there before."""
        if held != self._held:
            self._held = held
            self.original_held.emit(held)

    @property
    def message(self) -> str:
        """Why there is nothing to see, or an error."""
        return self._message

    def say(self, message: str) -> None:
        """Set the message."""
        if message != self._message:
            self._message = message
            self.message_changed.emit(message)

    @property
    def busy(self) -> bool:
        """Whether an answer is awaited."""
        return self._busy

    def set_busy(self, busy: bool) -> None:
        """Say whether an answer is awaited."""
        if busy != self._busy:
            self._busy = busy
            self.busy_changed.emit(busy)
