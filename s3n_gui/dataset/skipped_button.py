"""A button that says how many files of a folder were skipped, with a menu that lists them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, QUrl
from PySide6.QtGui import QAction, QDesktopServices
from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from s3n_core.datasets.records import Skipped
from s3n_core.datasets.skipped_files import needs_attention, skipped_line, skipped_sentence, skipped_words
from s3n_gui.appearance.theme import set_icon
from s3n_gui.appearance.wording import tip_text


class SkippedButton(QPushButton):
    """Says how many files were skipped; its menu lists them by reason and suffix, each entry opens the first one's folder."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "link")
        set_icon(self, "caution")
        self.setIconSize(QSize(16, 16))
        self._menu = QMenu(self)
        self._menu.setToolTipsVisible(True)
        self._menu.triggered.connect(self._on_chosen)
        self.clicked.connect(self._on_clicked)
        self.hide()

    def show_skipped(self, skipped: tuple[Skipped, ...]) -> None:
        """Show what was skipped; the button is hidden if nobody can miss it."""
        self._menu.clear()
        self.setVisible(needs_attention(skipped))
        self.setText(skipped_words(skipped))
        self.setToolTip(tip_text(skipped_sentence(skipped)))
        for item in skipped:
            action = self._menu.addAction(skipped_line(item).replace("&", "&&"))
            action.setData(str(item.example))
            action.setToolTip(tip_text(f"Open the folder of {item.example}"))

    @property
    def lines(self) -> tuple[str, ...]:
        """The entries of the menu."""
        return tuple(action.text() for action in self._menu.actions())

    def choose(self, entry: int) -> None:
        """Choose an entry of the menu, as a click does."""
        self._menu.actions()[entry].trigger()

    def _on_clicked(self) -> None:
        self._menu.popup(self.mapToGlobal(self.rect().bottomLeft()))

    def _on_chosen(self, action: QAction) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(action.data()).parent)))
