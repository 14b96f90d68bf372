"""The context menu of the images: what the keys and the buttons of the selected image do, too."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from s3n_gui.appearance.theme import set_icon
from s3n_gui.appearance.wording import count_text
from s3n_gui.dataset.images.selected_card import SelectedCard


class ImageMenu(QMenu):
    """The menu; the card of the selected image, whose buttons do the same, says what is possible.

    Signals:
        tag_asked: Give the selected images tags.
    """

    tag_asked = Signal()

    def __init__(self, card: SelectedCard, parent: QWidget) -> None:
        super().__init__(parent)
        self._card = card
        self.inspect_action = self._entry("inspect", "Inspect\tEnter")
        self.tag_action = self._entry("tag", "Tag…\tT")
        self.leave_action = self._entry("eye-off", "Leave out\tDelete")
        self.addSeparator()
        self.addMenu(card.split_menu)
        self.inspect_action.triggered.connect(card.inspect_button.click)
        self.tag_action.triggered.connect(self.tag_asked)
        self.leave_action.triggered.connect(card.leave_button.click)

    def _entry(self, icon: str, words: str) -> QAction:
        action = self.addAction(words)
        set_icon(action, icon)
        return action

    def show_at(self, place: QPoint, chosen: int) -> None:
        """Show the menu at a place on the screen for a number of selected images."""
        card, what = self._card, f" {count_text(chosen, 'image')}" if chosen > 1 else ""
        self.inspect_action.setVisible(not card.inspect_button.isHidden())
        self.inspect_action.setEnabled(card.inspect_button.isEnabled())
        self.inspect_action.setText(f"Inspect{what}\tEnter")
        self.tag_action.setEnabled(card.tags.add.isEnabled())
        self.tag_action.setText(f"Tag{what}…\tT")
        self.leave_action.setEnabled(card.leave_button.isEnabled())
        self.leave_action.setText(f"{card.leave_button.text()}\tDelete")
        card.split_menu.setEnabled(card.use_button.isEnabled())
        self.popup(place)
