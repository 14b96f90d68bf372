"""The base class of the page's tabs: a widget that shows an atlas, and one part of it marked."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from s3n_core.parts.atlas.atlas import Atlas
from s3n_gui.parts.crops.crop_handling import CropHandling


class PartsView(QWidget):
    """Base class of all tabs of the Parts page.

    Signals:
        part_selected: The number of a part that the user has selected here; the other tabs follow.
    """

    part_selected = Signal(int)

    def set_atlas(self, atlas: Atlas | None) -> None:
        """Show an atlas: another one, or the same after an edit; None: none.

        The object does not change any more: an edit gives another one.
        """

    def set_crops(self, crops: CropHandling) -> None:
        """Let the crops that the tab shows be handled; called once."""

    def select_part(self, part: int) -> None:
        """Mark a part, which is -1 for none; emits nothing."""

    def is_ready(self) -> bool:
        """Return whether all content is drawn."""
        return True

    def shut_down(self) -> None:
        """Stop threads and timers."""
