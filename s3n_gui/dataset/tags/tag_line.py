"""The tags of the selected image: a chip for each, which a press removes, and the button that gives tags."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from s3n_gui.appearance.theme import set_icon
from s3n_gui.appearance.wording import count_text, label_text, tip_text
from s3n_gui.widgets.flow_layout import FlowLayout

_SHOWN = 24  # letters of a chip


class TagLine(QWidget):
    """The line.

    Signals:
        tag_asked: Give the selected images tags, or take some away.
        untag_asked: Take this tag away from the selected images.
    """

    tag_asked = Signal()
    untag_asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.chips: dict[str, QPushButton] = {}
        self.add = QPushButton("Tag…")
        self.add.setProperty("role", "link")
        set_icon(self.add, "tag", 14)
        self.add.setToolTip("Give the selected images tags of your own, or take some away (T)")
        self.add.setAccessibleName("Tags of the selected images")
        self.add.clicked.connect(self.tag_asked)
        self._flow = FlowLayout()
        self.setLayout(self._flow)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._flow.addWidget(self.add)
        self._chosen = 1

    def show_tags(self, tags: Sequence[str], chosen: int, *, enabled: bool) -> None:
        """Show the tags of the selected image.

        Args:
            tags: The tags.
            chosen: How many images are selected, from which a press removes a tag.
            enabled: Whether tags can be given.
        """
        self.add.setEnabled(enabled)
        if tuple(self.chips) == tuple(tags) and self._chosen == chosen:
            return
        self._chosen = chosen
        focused = any(chip.hasFocus() for chip in self.chips.values())
        for chip in self.chips.values():
            self._flow.removeWidget(chip)
            chip.hide()
            chip.deleteLater()
        self.chips = {}
        self._flow.removeWidget(self.add)
        for tag in tags:
            self.chips[tag] = self._chip(tag)
            self._flow.addWidget(self.chips[tag])
        self._flow.addWidget(self.add)
        if focused:
            self.add.setFocus(Qt.FocusReason.OtherFocusReason)
        self.updateGeometry()

    def _chip(self, tag: str) -> QPushButton:
        chip = _TagChip(tag, self)
        chip.setText(label_text(tag if len(tag) <= _SHOWN else f"{tag[: _SHOWN - 1]}…"))
        what = f" from {count_text(self._chosen, 'image')}" if self._chosen > 1 else ""
        chip.setToolTip(tip_text(f"{tag}\nClick to remove this tag{what} (Ctrl+Z undoes this)"))
        chip.setAccessibleName(f"Remove the tag {tag}{what}")
        chip.chosen.connect(self.untag_asked)
        chip.show()
        return chip


class _TagChip(QPushButton):
    """A tag that a press removes.

    Signals:
        chosen: The tag.
    """

    chosen = Signal(str)

    def __init__(self, tag: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._tag = tag
        self.setProperty("role", "chip")
        self.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # its cross is behind the words
        set_icon(self, "close", 12)
        self.clicked.connect(self._on_clicked)

    def _on_clicked(self) -> None:
        self.chosen.emit(self._tag)
