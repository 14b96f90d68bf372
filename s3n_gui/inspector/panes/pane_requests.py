"""What the person asks of a model's panes, whichever of them it is: one place to listen to."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal


class PaneRequests(QObject):
    """Shared by all panes of a model.

    Signals:
        class_map_missing: The class whose map is to be fetched.
        peak_dragged: Key and place in original pixels.
        peak_dropped: Key.
        peak_menu_requested: Key and screen position.
    """

    class_map_missing = Signal(int)
    peak_dragged = Signal(object, object)
    peak_dropped = Signal(object)
    peak_menu_requested = Signal(object, object)
