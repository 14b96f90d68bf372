"""The state of the Inspect page: image, inspection, scores, settings, selected peak, cursor. No widgets.

Views set it and react to it; only the controller talks to the engine. Setting an equal value emits nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from s3n_core.datasets.records import Annotation
from s3n_core.inspection.geometry import Place
from s3n_core.inspection.hiding_choices import Shape
from s3n_core.inspection.inspection import Inspection
from s3n_core.inspection.peak import Cell, Peak, PeakEdit
from s3n_core.inspection.settings import InspectionSettings
from s3n_core.parts.atlas.part_place import PartPlace
from s3n_gui.inspector.symbol_switch import SymbolSwitch
from s3n_gui.inspector.why_state import WhyState
from s3n_gui.state.atlas_parts import part_at

if TYPE_CHECKING:
    from s3n_core.parts.atlas.peak_descriptors import PeakDescriptors


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOutline:
    """The outline of a hidden place.

    Attributes:
        place: Its centre (x, y), in pixels of the original.
        size: Diameter of a disc or side of a square, in pixels of the original.
        shape: "disc" or "square".
    """

    place: Place
    size: float
    shape: Shape


class InspectionState(QObject):
    """The state of the page.

    Signals:
        image_changed: Another image was chosen (``Path`` or None). The last image's inspection stays until the new one
            arrives, so that the layout does not jump.
        evidence_changed: Maps, grids, peaks or warped images have changed.
        scores_changed: New scores have arrived, or the scores have become stale.
        settings_changed: The method's parameters or the peak edits have changed.
        descriptors_changed: It is known what the peaks of the last pass look like.
        parts_changed: The parts of the chosen image's peaks have changed.
        selection_changed: Another peak is selected (its cell, or None).
        outline_changed: Another hidden place is outlined, or none.
        cursor_changed: The place under the mouse in pixels of the original, or None.
        original_held: Whether every pane shows the plain original.
        message_changed: Why nothing is shown, or an error; otherwise empty.
        busy_changed: Whether a reply of the engine is pending.
        annotation_changed: The chosen image has another box or other key points.

    Attributes:
        symbols: Whether the paper's symbols are shown; the states of two models share it.
        why: What is asked about the scores, and the contributions that reply to it.
    """

    image_changed = Signal(object)
    evidence_changed = Signal()
    scores_changed = Signal()
    settings_changed = Signal()
    descriptors_changed = Signal()
    parts_changed = Signal()
    selection_changed = Signal(object)
    outline_changed = Signal()
    cursor_changed = Signal(object)
    original_held = Signal(bool)
    message_changed = Signal(str)
    busy_changed = Signal(bool)
    annotation_changed = Signal()

    def __init__(self, parent: QObject | None = None, symbols: SymbolSwitch | None = None) -> None:
        super().__init__(parent)
        self.symbols = symbols if symbols is not None else SymbolSwitch(self)
        self.why = WhyState(self)
        self._image: Path | None = None
        self._evidence: Inspection | None = None
        self._evidence_image: Path | None = None
        self._answer: Inspection | None = None
        self._before: Inspection | None = None
        self._numbers = InspectionSettings()
        self._edits: dict[Path, tuple[PeakEdit, ...]] = {}
        self._selected: Cell | None = None
        self._outline: PlaceOutline | None = None
        self._cursor: Place | None = None
        self._held = False
        self._message = ""
        self._busy = False
        self._annotation = Annotation()
        self._parts: tuple[PartPlace, ...] = ()
        self._descriptors: PeakDescriptors | None = None

    # The image and its inspection

    @property
    def image(self) -> Path | None:
        """The chosen image."""
        return self._image

    def choose_image(self, image: Path | None) -> None:
        """Choose an image; its inspection arrives later."""
        if image == self._image:
            return
        self._image = image
        self._answer = self._before = self._descriptors = None
        self.why.forget()
        self.say("")  # it was about the last image; the engine says again what concerns them all
        self.select(None)
        self.image_changed.emit(image)
        self.scores_changed.emit()
        self.settings_changed.emit()  # edits are per image

    @property
    def annotation(self) -> Annotation:
        """The box and the key points of the chosen image in its data set; false if it has none."""
        return self._annotation

    def set_annotation(self, annotation: Annotation) -> None:
        """Set the box and the key points of the chosen image."""
        if annotation != self._annotation:
            self._annotation = annotation
            self.annotation_changed.emit()

    @property
    def descriptors(self) -> PeakDescriptors | None:
        """What the peaks of the chosen image look like; None while that was not asked.

        Those of the pass before remain until those of the newest arrive.
        """
        return self._descriptors

    def take_descriptors(self, found: PeakDescriptors) -> None:
        """Set what the peaks of the newest pass look like."""
        self._descriptors = found
        self.descriptors_changed.emit()

    def set_parts(self, places: tuple[PartPlace, ...]) -> None:
        """Set the peaks of the chosen image with their parts."""
        if places != self._parts:
            self._parts = places
            self.parts_changed.emit()

    def part_of(self, peak: Peak) -> PartPlace | None:
        """Return a peak with its part; None without an atlas, where its part is hidden, and while it is not known."""
        if not self._parts or self._evidence is None or not self.is_current:
            return None
        return part_at(self._parts, peak.x, peak.y, max(self._evidence.response.image_size))

    @property
    def evidence(self) -> Inspection | None:
        """The newest maps, grids and warped images; possibly still those of the last image (see `is_current`)."""
        return self._evidence

    @property
    def is_current(self) -> bool:
        """Whether `evidence` belongs to the chosen image."""
        return self._evidence is not None and self._evidence_image == self._image

    @property
    def answer(self) -> Inspection | None:
        """The last inspection of this image that has its scores."""
        return self._answer

    @property
    def before(self) -> Inspection | None:
        """The baseline of the scores: the image's first inspection, or the one that the user kept."""
        return self._before

    @property
    def scores_stale(self) -> bool:
        """Whether the scores are older than `evidence`."""
        return self._evidence != self._answer

    def take_evidence(self, inspection: Inspection) -> None:
        """Show an inspection whose scores are still to come."""
        self._evidence, self._evidence_image = inspection, self._image
        if self._selected is not None and self.selected_peak is None:
            self.select(None)
        self.evidence_changed.emit()
        self.scores_changed.emit()

    def take_inspection(self, inspection: Inspection) -> None:
        """Show an inspection with its scores; if only the scores are new, emit only ``scores_changed``."""
        self._answer = inspection
        if self._before is None:
            self._before = inspection
        shown = self._evidence
        if (
            self.is_current
            and shown is not None
            and (shown.response, shown.warps) == (inspection.response, inspection.warps)
            and shown.prediction.index == inspection.prediction.index  # a pane may show this class's map
        ):
            self._evidence = inspection
            self.scores_changed.emit()
        else:
            self.take_evidence(inspection)

    def amend(self, amended: Callable[[Inspection], Inspection]) -> None:
        """Replace the inspection with an extended copy, also where it serves as `answer` or as baseline."""
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
        """Show a stored inspection of the chosen image until the engine replies; it is never the baseline."""
        self._answer = inspection
        self.take_evidence(inspection)

    def keep_as_before(self) -> None:
        """Make the current inspection the baseline."""
        if self._answer is not None and not self.scores_stale:
            self._before = self._answer
            self.scores_changed.emit()

    def forget(self) -> None:
        """Drop all inspections, for example because another model was chosen."""
        self._evidence = self._answer = self._before = self._descriptors = None
        self._edits.clear()
        self.why.forget(question=True)
        self.select(None)
        self.evidence_changed.emit()
        self.scores_changed.emit()
        self.settings_changed.emit()

    # Settings: the method's parameters are shared by all images, peak edits are per image

    @property
    def settings(self) -> InspectionSettings:
        """The settings to request for the chosen image."""
        return replace(self._numbers, edits=self.edits)

    @property
    def numbers(self) -> InspectionSettings:
        """The settings without peak edits."""
        return self._numbers

    @property
    def edits(self) -> tuple[PeakEdit, ...]:
        """The edits of the chosen image's peaks."""
        return self._edits.get(self._image, ()) if self._image is not None else ()

    def set_numbers(self, numbers: InspectionSettings) -> None:
        """Set the method's parameters; peak edits in them are ignored."""
        numbers = replace(numbers, edits=())
        if numbers != self._numbers:
            self._numbers = numbers
            self.settings_changed.emit()

    def set_edits(self, image: Path, edits: tuple[PeakEdit, ...]) -> None:
        """Set an image's peak edits."""
        if edits == self._edits.get(image, ()):
            return
        self._edits[image] = edits
        if not edits:
            del self._edits[image]
        if image == self._image:
            self.settings_changed.emit()

    # Selection and cursor

    @property
    def selected(self) -> Cell | None:
        """The selected peak, identified by the cell where it was found."""
        return self._selected

    @property
    def selected_peak(self) -> Peak | None:
        """The selected peak in its current state."""
        if self._evidence is None:
            return None
        return next((peak for peak in self._evidence.warps.peaks if peak.found_at == self._selected), None)

    def select(self, cell: Cell | None) -> None:
        """Select a peak."""
        if cell != self._selected:
            self._selected = cell
            self.selection_changed.emit(cell)

    @property
    def outline(self) -> PlaceOutline | None:
        """The hidden place that is outlined on the original, or None."""
        return self._outline

    def mark_place(self, outline: PlaceOutline | None) -> None:
        """Outline a hidden place."""
        if outline != self._outline:
            self._outline = outline
            self.outline_changed.emit()

    @property
    def cursor(self) -> Place | None:
        """The place under the mouse in any pane, in pixels of the original."""
        return self._cursor

    def point_at(self, place: Place | None) -> None:
        """Set the place under the mouse."""
        if place != self._cursor:
            self._cursor = place
            self.cursor_changed.emit(place)

    @property
    def holds_original(self) -> bool:
        """Whether every pane shows the plain original."""
        return self._held

    def hold_original(self, held: bool) -> None:
        """Show the plain original in every pane, or end that."""
        if held != self._held:
            self._held = held
            self.original_held.emit(held)

    @property
    def message(self) -> str:
        """Why nothing is shown, or an error; otherwise empty."""
        return self._message

    def say(self, message: str) -> None:
        """Set the message."""
        if message != self._message:
            self._message = message
            self.message_changed.emit(message)

    @property
    def busy(self) -> bool:
        """Whether a reply of the engine is pending."""
        return self._busy

    def set_busy(self, busy: bool) -> None:
        """Set whether a reply of the engine is pending."""
        if busy != self._busy:
            self._busy = busy
            self.busy_changed.emit(busy)
