"""Selects the peak that another page wants to be looked at, as soon as the image's inspection is there."""

from __future__ import annotations

import math

from PySide6.QtCore import QObject, Slot

from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.state.session import Session

_REACH = 0.1
"""The peak may lie this far from the sought place, as a fraction of the image's longer side."""


class SoughtPeak(QObject):
    """Waits for an inspection of the session's image."""

    def __init__(self, session: Session, state: InspectionState, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._state = session, state
        state.evidence_changed.connect(self.select)
        session.place_sought.connect(self.select)

    @Slot()
    def select(self) -> None:
        """Select the peak that is nearest to the sought place; where none is near, none is selected."""
        evidence, image = self._state.evidence, self._state.image
        if evidence is None or image is None or not self._state.is_current:
            return
        place = self._session.take_place(image)
        if place is None:
            return
        peaks = evidence.warps.peaks
        nearest = min(peaks, key=lambda peak: math.dist((peak.x, peak.y), place), default=None)
        reach = _REACH * max(evidence.response.image_size)
        if nearest is not None and math.dist((nearest.x, nearest.y), place) <= reach:
            self._state.select(nearest.found_at)
