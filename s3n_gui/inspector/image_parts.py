"""Gives the peaks of the inspected image the names of their parts, where an atlas of the current model is open."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot

from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.state.atlas_parts import AtlasParts
from s3n_gui.state.session import Session


class ImageParts(QObject):
    """Follows the image, the model and the atlas."""

    def __init__(self, session: Session, state: InspectionState, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._state = session, state
        self._parts = AtlasParts(session, self)
        self._parts.changed.connect(self.show)
        state.image_changed.connect(self.show)
        session.model_changed.connect(self.show)

    def activate(self) -> None:
        """Read the atlas from now on; called when the page is shown."""
        self._parts.activate()

    def close(self) -> None:
        """Stop reading."""
        self._parts.close()

    @Slot()
    def show(self) -> None:
        """Show the parts of the chosen image."""
        image = self._state.image
        self._state.set_parts(() if image is None else self._parts.places(image, self._session.model))
