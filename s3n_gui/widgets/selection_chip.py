"""The chip that names the chosen images, with a button that drops the choice."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QWidget

from s3n_gui.appearance.theme import set_icon
from s3n_gui.appearance.wording import tip_text
from s3n_gui.state.image_selection import ImageSelection
from s3n_gui.state.session import Session
from s3n_gui.widgets.elided_label import ElidedLabel


class SelectionChip(QFrame):
    """Shows the session's chosen images; hidden while none are chosen.

    Args:
        session: Whose choice is shown and dropped.
        counts: Whether it says how many there are, before their name.
        parent: The widget that owns it.
    """

    def __init__(self, session: Session, *, counts: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._counts = session, counts
        self.setProperty("role", "chip")
        self.words = ElidedLabel()
        self.remove = QToolButton()
        self.remove.setToolTip("Show all images again")
        self.remove.setAccessibleName("Show all images again")
        set_icon(self.remove, "close")
        self.remove.clicked.connect(self._on_remove)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 0, 0)
        row.setSpacing(2)
        row.addWidget(self.words, 1)
        row.addWidget(self.remove)
        session.selection_changed.connect(self.show_selection)
        self.hide()
        self.show_selection(session.selection)

    def show_selection(self, selection: ImageSelection | None) -> None:
        """Show a choice, or hide; a page that has left the session's choice shows its own."""
        if selection is not None:
            words = f"{selection.count_text}: {selection.name}" if self._counts else selection.name
            self.words.setText(words)
            self.words.setToolTip(tip_text(f"Only these images are shown: {selection.name}\n{selection.count_text}"))
            self.setAccessibleName(f"{selection.count_text}: {selection.name}")
        self.setVisible(selection is not None and self.parentWidget() is not None)

    def _on_remove(self) -> None:
        self._session.selection = None
