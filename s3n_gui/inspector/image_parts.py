"""Gives the peaks of the inspected image the names of their parts, where there is an atlas of the current model.

The atlas knows the peaks of its own images. What those of any other image look like, and peaks that were moved by hand, is asked
of the engine once the image has been inspected.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot

from s3n_core.errors import S3NError
from s3n_gui.inspector.controller import InspectionController
from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.state.atlas_parts import AtlasParts
from s3n_gui.state.session import Session


class ImageParts(QObject):
    """Follows the image, the model and the atlas."""

    def __init__(
        self, session: Session, state: InspectionState, controller: InspectionController, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session, self._state, self._controller = session, state, controller
        self._parts = AtlasParts(session, self)
        self._parts.changed.connect(self._on_atlas)
        state.image_changed.connect(self.show)
        state.descriptors_changed.connect(self._on_descriptors)
        state.scores_changed.connect(self._ask)
        session.model_changed.connect(self.show)
        controller.descriptors_failed.connect(self._on_failed)

    def activate(self) -> None:
        """Read the atlas from now on; called when the page is shown."""
        self._parts.activate()

    def close(self) -> None:
        """Stop reading."""
        self._parts.close()

    @Slot()
    def show(self) -> None:
        """Show the parts of the chosen image's peaks."""
        image, model, found = self._state.image, self._session.model, self._state.descriptors
        if image is None:
            self._state.set_parts(())
            return
        places = list(self._parts.places(image, model))
        if found is not None:
            for place, moved, (x, y) in zip(
                self._parts.of(found, model), found.moved, found.places.tolist(), strict=False
            ):
                if place is not None and (moved or not self._parts.has_peak(image, model, x, y)):
                    places.append(place)
        self._state.set_parts(tuple(places))

    @Slot()
    def _ask(self) -> None:
        """Ask what the peaks look like, once they have scores, unless the atlas has them all."""
        image, model, answer = self._state.image, self._session.model, self._state.answer
        if image is None or answer is None or self._state.scores_stale or not self._parts.knows(model):
            return
        peaks = answer.warps.peaks
        if any(peak.cell != peak.found_at or not self._parts.has_peak(image, model, peak.x, peak.y) for peak in peaks):
            self._controller.fetch_descriptors()

    @Slot()
    def _on_atlas(self) -> None:
        self.show()
        self._ask()

    @Slot()
    def _on_descriptors(self) -> None:
        self.show()
        image, found = self._state.image, self._state.descriptors
        if image is not None and found is not None:
            self._session.supply_like(image, found)

    @Slot(object)
    def _on_failed(self, error: S3NError) -> None:
        wanted = self._session.like
        if wanted is not None and wanted.image == self._state.image and wanted.peaks is None:
            self._session.take_like()
        self._session.report_error(error, cause="image")
