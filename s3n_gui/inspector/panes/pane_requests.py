"""The user's requests in the panes of one model, gathered in one object."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal


class PaneRequests(QObject):
    """Signals that all panes of a model share.

    Signals:
        contributions_missing: Contributions must be requested.
        class_map_missing: The index of the class whose map must be fetched.
        peak_dragged: Key, and place in pixels of the original.
        peak_dropped: Key.
        peak_menu_requested: Key and screen position.
        place_menu_requested: Place in pixels of the original, and screen position.
    """

    contributions_missing = Signal()
    class_map_missing = Signal(int)
    peak_dragged = Signal(object, object)
    peak_dropped = Signal(object)
    peak_menu_requested = Signal(object, object)
    place_menu_requested = Signal(object, object)
