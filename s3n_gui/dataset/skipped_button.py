"""A button that says how many files of a folder were skipped, with a menu that lists them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, QUrl
from PySide6.QtGui import QAction, QDesktopServices
from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from s3n_core.datasets.records import Problem, Skipped
from s3n_core.datasets.skipped_files import passed_over_words, skipped_line, skipped_sentence, skipped_words
from s3n_gui.appearance.theme import set_icon
from s3n_gui.appearance.wording import tip_text

_LISTED = 20  # problems


class SkippedButton(QPushButton):
    """Says how many files were skipped; its menu lists them by reason and suffix, each entry opens the first one's folder.

    What a person may miss has a caution sign; clutter and other files beside the images are only counted.
    """

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

    def show_skipped(self, skipped: tuple[Skipped, ...], problems: tuple[Problem, ...] = ()) -> None:
        """Show what was skipped and what is wrong in the folder; the button is hidden if there is nothing."""
        self._menu.clear()
        missed = [f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"] if problems else []
        missed = [words for words in (skipped_words(skipped), *missed) if words]
        set_icon(self, "caution" if missed else "info")
        self.setText(", ".join(missed) or passed_over_words(skipped))
        self.setToolTip(tip_text(skipped_sentence(skipped)))
        self.setVisible(bool(skipped or problems))
        lines = [(skipped_line(item), item.example) for item in skipped]
        lines += [(f"{problem.path.name}: {problem.reason}", problem.path) for problem in problems[:_LISTED]]
        if len(problems) > _LISTED:
            lines.append((f"and {len(problems) - _LISTED} more; s3n audit lists them all", problems[_LISTED].path))
        for line, example in lines:
            action = self._menu.addAction(line.replace("&", "&&"))
            action.setData(str(example))
            action.setToolTip(tip_text(f"Open the folder of {example}"))

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
