"""The dialog that gives images tags and takes them away: the tags that there are as checks, and a field for a new one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCheckBox, QDialog, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from s3n_core.datasets.tags import LONGEST_TAG, tag_name
from s3n_core.errors import DataSetError
from s3n_gui.appearance.theme import px
from s3n_gui.appearance.tokens import INSIDE_GROUP, PAGE_MARGIN
from s3n_gui.appearance.wording import label_text, tip_text
from s3n_gui.widgets.column_scroll_area import ColumnScrollArea
from s3n_gui.widgets.dialog_size import fit_in_window
from s3n_gui.widgets.elided_label import ElidedLabel

_SHOWN = 36  # letters of a tag


class TagDialog(QDialog):
    """The tags of one or several images.

    Attributes:
        field: The field for a new tag; what is typed also narrows the list, until a tag in it is chosen.
        checks: The check box of each tag. A partly checked one is a tag of some of the images, and stays so.
    """

    def __init__(self, heading: str, images: int, counts: Mapping[str, int], parent: QWidget | None = None) -> None:
        """Create the dialog.

        Args:
            heading: Which images, for the title: "bird 1.png", "3 images".
            images: How many.
            counts: How many of them have each tag.
            parent: The page.
        """
        super().__init__(parent)
        self.setWindowTitle("Tags")
        self._images, self._counts = images, counts
        title = ElidedLabel(f"Tags of {heading}")
        title.setProperty("role", "section")
        self.field = QLineEdit()
        self.field.setPlaceholderText("New tag")
        self.field.setMaxLength(LONGEST_TAG)
        self.field.setAccessibleName("New tag, or letters of one in the list")
        self.field.setClearButtonEnabled(True)
        self.field.textChanged.connect(self._on_text)
        self.hint = QLabel()
        self.hint.setProperty("role", "caption")
        self.hint.setTextFormat(Qt.TextFormat.PlainText)
        self.hint.setWordWrap(True)
        self._chosen: QCheckBox | None = None
        self._scroll = QTimer(self, singleShot=True, interval=0)  # the whole list is laid out first
        self._scroll.timeout.connect(self._show_chosen)
        self.checks: dict[str, QCheckBox] = {}
        listed = QWidget()
        rows = QVBoxLayout(listed)
        rows.setContentsMargins(2, 0, 2, 0)
        rows.setSpacing(2)
        for tag, count in counts.items():
            self.checks[tag] = check = self._check(tag, count)
            rows.addWidget(check)
        rows.addStretch(1)
        self._area = ColumnScrollArea()
        self._area.setWidget(listed)
        self.cancel_button, self.apply_button = QPushButton("Cancel"), QPushButton("Apply")
        self.apply_button.setProperty("role", "primary")
        self.apply_button.setDefault(True)
        self.cancel_button.setAutoDefault(False)
        self.cancel_button.clicked.connect(self.reject)
        self.apply_button.clicked.connect(self._on_apply)
        buttons = QHBoxLayout()
        buttons.setSpacing(INSIDE_GROUP)
        buttons.addStretch(1)
        buttons.addWidget(self.cancel_button)
        buttons.addWidget(self.apply_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN)
        column.setSpacing(INSIDE_GROUP)
        column.addWidget(title)
        column.addWidget(self.field)
        column.addWidget(self.hint)
        column.addWidget(self._area, 1)
        column.addLayout(buttons)
        self._on_text()
        room = min(len(self.checks), 8) * px(28)
        fit_in_window(self, QSize(px(380), px(170) + room))
        self.field.setFocus()

    @property
    def added(self) -> frozenset[str]:
        """The tags that all images get: those newly checked, and the typed one."""
        checked = {tag for tag, check in self.checks.items() if check.checkState() == Qt.CheckState.Checked}
        return frozenset(checked - self._of_all()) | ({self._typed()} if self.field.text().strip() else frozenset())

    @property
    def removed(self) -> frozenset[str]:
        """The tags that all images lose."""
        had = {tag for tag, count in self._counts.items() if count}
        cleared = {tag for tag in had if self.checks[tag].checkState() == Qt.CheckState.Unchecked}
        return frozenset(cleared - self.added)

    def _of_all(self) -> set[str]:
        return {tag for tag, count in self._counts.items() if count == self._images}

    def _check(self, tag: str, count: int) -> QCheckBox:
        some = f" ({count:,} of {self._images:,})" if 0 < count < self._images else ""
        check = QCheckBox(label_text(tag if len(tag) <= _SHOWN else f"{tag[: _SHOWN - 1]}…") + some)
        check.setToolTip(tip_text(tag) if len(tag) > _SHOWN else "")
        if some:
            check.setTristate(True)
            check.setCheckState(Qt.CheckState.PartiallyChecked)
        else:
            check.setChecked(count > 0)
        check.clicked.connect(partial(self._on_check, check))
        return check

    def _on_check(self, check: QCheckBox, *_: object) -> None:
        """Clear the field: what was typed has found this tag, and is no new one."""
        if self.field.text():
            self._chosen = check
            self.field.clear()
            self._scroll.start()

    def _show_chosen(self) -> None:
        """Keep the tag in sight that was chosen in the narrowed list."""
        if self._chosen is not None:
            self._area.ensureWidgetVisible(self._chosen, 0, 0)

    def _typed(self) -> str:
        """Return the typed tag, spelled as in the list if it is there."""
        tag = tag_name(self.field.text())
        return next((known for known in self.checks if known.casefold() == tag.casefold()), tag)

    def _on_text(self) -> None:
        typed = " ".join(self.field.text().split())
        for tag, check in self.checks.items():
            check.setVisible(typed.casefold() in tag.casefold())
        if not typed:
            self.hint.setText("Check the tags that the selection should have, or type a new one.")
        elif self._typed() in self.checks:
            self.hint.setText(f"Enter adds the tag “{self._typed()}”.")
        else:
            self.hint.setText(f"Enter adds the new tag “{self._typed()}”.")

    def _on_apply(self) -> None:
        try:
            _ = self.added
        except DataSetError as error:
            self.hint.setText(str(error))
        else:
            self.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Down leads from the field to the list."""
        shown = [check for check in self.checks.values() if not check.isHidden()]
        if event.key() == Qt.Key.Key_Down and self.field.hasFocus() and shown:
            shown[0].setFocus(Qt.FocusReason.TabFocusReason)
        else:
            super().keyPressEvent(event)
