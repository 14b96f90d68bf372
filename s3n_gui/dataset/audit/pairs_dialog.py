"""The dialog that compares possible duplicates side by side, with synchronized zoom, and leaves one out."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from s3n_core.datasets.value_ranges import ValueRanges
from s3n_gui.appearance.theme import px, set_icon
from s3n_gui.appearance.tokens import INSIDE_GROUP, PAGE_MARGIN
from s3n_gui.appearance.wording import tip_text
from s3n_gui.dataset.controller import DataController
from s3n_gui.dataset.findings import Finding, Pair
from s3n_gui.dataset.images.large_image import Picture
from s3n_gui.dataset.survey import USE_WORDS, USES
from s3n_gui.widgets.dialog_size import fit_in_window
from s3n_gui.widgets.elided_label import ElidedLabel


class PairsDialog(QDialog):
    """Steps through the pairs of a finding."""

    def __init__(
        self,
        controller: DataController,
        finding: Finding,
        parent: QWidget | None = None,
        *,
        ranges: ValueRanges | None = None,
    ) -> None:
        """Create the dialog.

        Args:
            controller: The controller of the page.
            finding: The finding.
            parent: The window.
            ranges: The open model's ranges of values; `set_ranges` changes them.
        """
        super().__init__(parent)
        self.setWindowTitle("Compare images")
        self._controller, self._pairs, self._at = controller, finding.pairs, 0
        self.title = ElidedLabel(finding.title)
        self.title.setProperty("role", "section")
        self.place = QLabel()
        self.place.setProperty("role", "quiet")
        self.previous, self.next = QPushButton("Previous"), QPushButton("Next")
        set_icon(self.previous, "previous")
        set_icon(self.next, "next")
        self.previous.setToolTip("The pair before (Left, Page Up)")
        self.next.setToolTip("The next pair (Right, Page Down)")
        self.previous.clicked.connect(self.show_previous)
        self.next.clicked.connect(self.show_next)
        top = QHBoxLayout()
        top.setSpacing(INSIDE_GROUP)
        top.addWidget(self.title, 1)
        top.addWidget(self.place)
        top.addWidget(self.previous)
        top.addWidget(self.next)
        self.sides = (_Side(controller, "first"), _Side(controller, "second"))
        pictures = QHBoxLayout()
        pictures.setSpacing(PAGE_MARGIN)
        for side in self.sides:
            pictures.addWidget(side, 1)
        self.remark = ElidedLabel()
        self.remark.setProperty("role", "quiet")
        close = QPushButton("Close")
        close.clicked.connect(self.close)
        foot = QHBoxLayout()
        foot.addWidget(self.remark, 1)
        foot.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN)
        column.setSpacing(12)
        column.addLayout(top)
        column.addLayout(pictures, 1)
        column.addLayout(foot)
        one, other = (side.picture for side in self.sides)
        one.camera_changed.connect(other.look)
        other.camera_changed.connect(one.look)
        controller.marks_changed.connect(self._show)
        controller.survey_changed.connect(self.close)  # the pairs belong to the previous data set
        for button in self.findChildren(QPushButton):
            button.installEventFilter(self)
        fit_in_window(self, QSize(px(920), px(560)))
        self.set_ranges(ranges)
        self._show()
        self.next.setFocus()

    @property
    def pair(self) -> Pair:
        """The pair that is shown."""
        return self._pairs[self._at]

    def set_ranges(self, ranges: ValueRanges | None) -> None:
        """Show both images in the open model's ranges of values, as the page does."""
        for side in self.sides:
            side.picture.set_ranges(ranges)

    def show_next(self) -> None:
        """Show the next pair, if there is one."""
        self._go(1)

    def show_previous(self) -> None:
        """Show the previous pair, if there is one."""
        self._go(-1)

    def _go(self, step: int) -> None:
        self._at = min(max(self._at + step, 0), len(self._pairs) - 1)
        self._show()

    def _show(self) -> None:
        if self._controller.survey is None:
            return
        pair = self.pair
        for side, image in zip(self.sides, (pair.one, pair.other), strict=True):
            side.show_image(image)
        remark = f"{pair.remark[:1].upper()}{pair.remark[1:]}."
        self.remark.setText(remark)
        self.remark.setToolTip(tip_text(remark))
        self.place.setText(f"{self._at + 1:,} of {len(self._pairs):,}")
        self.previous.setEnabled(self._at > 0)
        self.next.setEnabled(self._at + 1 < len(self._pairs))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take the arrow keys from the buttons, which would give the focus to the next one."""
        return isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and self._step(event.key())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Right and Page Down show the next pair, Left and Page Up the previous one."""
        if not self._step(event.key()):
            super().keyPressEvent(event)

    def _step(self, key: int) -> bool:
        """Show the pair that a key leads to; return whether it is a key for that."""
        if key in (Qt.Key.Key_Right, Qt.Key.Key_PageDown):
            self.show_next()
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_PageUp):
            self.show_previous()
        else:
            return False
        return True

    def done(self, code: int) -> None:
        """Stop the reading threads."""
        for side in self.sides:
            side.picture.close_reading()
        super().done(code)


class _Side(QWidget):
    """One image of the pair: the image, its name, class and split, and the button that leaves it out."""

    def __init__(self, controller: DataController, which: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._controller, self._image = controller, -1
        self.picture = Picture()
        self.picture.setAccessibleName(f"The {which} image")
        self.picture.show_annotations(boxes=False, parts=False)
        self.picture.when_read(self._show_facts)
        self.name = ElidedLabel(name=True)
        self.facts = ElidedLabel()
        self.facts.setProperty("role", "caption")
        self.button = QPushButton()
        self.button.clicked.connect(self._on_button)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.name)
        words.addWidget(self.facts)
        foot = QHBoxLayout()
        foot.setSpacing(INSIDE_GROUP)
        foot.addLayout(words, 1)
        foot.addWidget(self.button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(INSIDE_GROUP)
        column.addWidget(self.picture, 1)
        column.addLayout(foot)

    def show_image(self, image: int) -> None:
        """Show an image by its index in the data set."""
        survey, planning = self._controller.survey, self._controller.planning
        assert survey is not None
        self._image = image
        record = survey.record(image)
        self.picture.show_record(record)
        self.name.setText(record.name)
        self.name.setToolTip(tip_text(str(record.path)))
        may, out = planning.may_be_left_out(image), image in planning.left_out
        self.button.setEnabled(may)
        self.button.setText("Include again" if out else "Leave this one out")
        self.button.setAccessibleName(f"{self.button.text()}: {record.name}")
        self.button.setToolTip(
            "Test images are never used for training"
            if not may
            else "Use it for training again"
            if out
            else "Do not use it for training; the file is not changed (Ctrl+Z undoes this)"
        )
        self._show_facts()

    def _show_facts(self) -> None:
        survey, planning = self._controller.survey, self._controller.planning
        if survey is None or not 0 <= self._image < len(survey):
            return
        left_out = self._image in planning.left_out
        facts = [survey.title(self._image)] if survey.labels[self._image] >= 0 else []
        facts.append("Left out" if left_out else USE_WORDS[USES[planning.uses[self._image]]])
        if self.picture.original_size is not None:
            facts.append("{} x {} pixels".format(*self.picture.original_size))
        self.facts.setText(" · ".join(facts))

    def _on_button(self) -> None:
        out = self._image not in self._controller.planning.left_out
        self._controller.planning.leave_out([self._image], out=out)
