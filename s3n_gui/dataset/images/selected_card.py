"""The selected image with its annotations, details and actions."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QPushButton, QToolButton, QVBoxLayout, QWidget

from s3n_core.datasets.splits import SPLIT_NAMES
from s3n_gui.appearance.theme import px, set_icon, tokens
from s3n_gui.appearance.wording import count_text, tip_text
from s3n_gui.dataset.controller import DataController
from s3n_gui.dataset.images.large_image import Picture
from s3n_gui.dataset.survey import USE_WORDS, USES, file_name
from s3n_gui.dataset.tags.tag_line import TagLine
from s3n_gui.widgets.elided_label import ElidedLabel

_USE_TEXTS = ("Move to split…", "Split…")


class SelectedCard(QFrame):
    """The card of the selected image.

    Signals:
        leave_out_asked: Leave the selected images out (True) or include them again.
        use_asked: Move the selected images to "train", "validation" or "test", or, with "", to their original split.
        inspect_asked: Inspect the image.
    """

    leave_out_asked = Signal(bool)
    use_asked = Signal(str)
    inspect_asked = Signal()

    def __init__(self, controller: DataController, *, can_inspect: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._controller = controller
        self._image = -1
        self._chosen: Sequence[int] = ()
        self.picture = Picture()
        self.picture.when_read(self._show_facts)
        self.name = ElidedLabel(name=True)
        self.facts = ElidedLabel()
        self.facts.setProperty("role", "caption")
        self.trouble = QLabel()
        self.trouble.setProperty("role", "caption")
        self.trouble.setTextFormat(Qt.TextFormat.PlainText)
        self.trouble.setWordWrap(True)
        self.trouble_icon = QLabel()
        self.tags = TagLine()
        self.box_button = _toggle("box", "Box", "Show the object's bounding box")
        self.parts_button = _toggle("parts", "Parts", "Show the annotated parts; point at one to see its name")
        self.leave_button = QPushButton()
        self.leave_button.clicked.connect(self._on_leave_out)
        self.use_button = QPushButton(_USE_TEXTS[0])
        self.use_button.setAccessibleName(_USE_TEXTS[0])
        self.use_button.setToolTip("Choose the split of this image, whatever the data set says")
        self.use_button.clicked.connect(self._on_use)
        self.split_menu = QMenu("Move to split", self.use_button)
        self.split_menu.aboutToShow.connect(self._check_split)
        self.use_actions: dict[str, QAction] = {}
        for split, word in (*((split, USE_WORDS[split]) for split in SPLIT_NAMES), ("", "As in the data set")):
            if not split:
                self.split_menu.addSeparator()
            action = self.split_menu.addAction(word)
            action.setObjectName(split)
            action.setCheckable(True)
            self.use_actions[split] = action
        self.split_menu.triggered.connect(self._on_split)
        self.inspect_button = QPushButton("Inspect")
        self.inspect_button.setToolTip("Inspect this image with the current model (Enter)")
        self.inspect_button.clicked.connect(self.inspect_asked)
        if not can_inspect:
            self.inspect_button.hide()  # Only hides: show() on a widget without a parent would open a window.
        for narrow in (self.leave_button, self.use_button, self.inspect_button):
            narrow.setStyleSheet("QPushButton { padding: 0 6px; }")  # three buttons must fit into a narrow card
        for button in (self.box_button, self.parts_button):
            button.toggled.connect(self._on_annotations)
        head = QHBoxLayout()
        head.setSpacing(4)
        self.name.setMinimumHeight(px(30))  # as high as the buttons beside it, which are not always visible
        head.addWidget(self.name, 1)
        head.addWidget(self.box_button)
        head.addWidget(self.parts_button)
        trouble = QHBoxLayout()
        trouble.setSpacing(6)
        trouble.addWidget(self.trouble_icon, 0, Qt.AlignmentFlag.AlignTop)
        trouble.addWidget(self.trouble, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.leave_button, 1)
        buttons.addWidget(self.use_button)
        buttons.addWidget(self.inspect_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 12)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self.picture, 1)
        column.addWidget(self.facts)
        column.addWidget(self.tags)
        column.addLayout(trouble)
        column.addLayout(buttons)
        controller.marks_changed.connect(self._show_facts)
        self.show_image(-1, ())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Shorten the widest button on a narrow card."""
        super().resizeEvent(event)
        self.use_button.setText(_USE_TEXTS[self.width() < px(310)])

    def show_image(self, image: int, chosen: Sequence[int]) -> None:
        """Show an image.

        Args:
            image: Its index in the data set, or -1.
            chosen: The indices of all selected images.
        """
        self._image, self._chosen = image, chosen
        survey = self._controller.survey
        record = survey.record(image) if survey is not None and 0 <= image < len(survey) else None
        self.picture.show_record(record)
        self.box_button.setVisible(record is not None and record.box is not None)
        self.parts_button.setVisible(record is not None and bool(record.parts))
        self._show_facts()

    def _show_facts(self) -> None:
        survey, image = self._controller.survey, self._image
        known = survey is not None and 0 <= image < len(survey)
        self.leave_button.setEnabled(False)
        self.use_button.setEnabled(known and self._controller.planning.may_be_assigned(image))
        self.inspect_button.setEnabled(known)
        tagging = self._controller.tagging
        self.tags.show_tags(tagging.of(image) if known else (), len(self._chosen), enabled=known and tagging.can_tag)
        self._show_trouble(())
        if not known or survey is None:
            self.name.setText("No image selected")
            self.facts.setText("Select an image in the list.")
            self.leave_button.setText("Leave out")
            return
        record = survey.record(image)
        self.name.setText(file_name(record))
        self.name.setToolTip(tip_text(str(record.path)))
        by_hand = self._controller.planning.split_of(image)
        facts = [USE_WORDS[USES[self._controller.planning.uses[image]]] + (" (by hand)" if by_hand else "")]
        if survey.labels[image] >= 0:
            facts.insert(0, survey.title(image))
        if self.picture.original_size is not None:
            facts.append("{} x {} pixels".format(*self.picture.original_size))
        self.facts.setText(" · ".join(facts))
        self.facts.setToolTip(tip_text(" · ".join(facts)))
        self.picture.setAccessibleDescription(", ".join([record.name, *facts]))
        out = image in self._controller.planning.left_out
        trouble = list(self._controller.checking.trouble_of(image))
        if self.picture.problem and self.picture.problem not in trouble:
            trouble.insert(0, self.picture.problem)
        self._show_trouble((*(["it is left out of training"] if out else []), *trouble))
        may = any(map(self._controller.planning.may_be_left_out, self._chosen))
        self.leave_button.setEnabled(may)
        what = f" {count_text(len(self._chosen), 'image')}" if len(self._chosen) > 1 else ""
        self.leave_button.setText(f"Include{what} again" if out else f"Leave out{what}")
        self.leave_button.setToolTip(
            "Test images are never used for training"
            if not may
            else "Use it for training again"
            if out
            else "Do not use it for training; the file is not changed (Delete; Ctrl+Z undoes this)"
        )

    def _show_trouble(self, notes: tuple[str, ...]) -> None:
        self.trouble.setText("\n".join(f"{note[:1].upper()}{note[1:]}." for note in notes))
        self.trouble.setVisible(bool(notes))
        self.trouble_icon.setVisible(bool(notes))
        if notes:
            set_icon(self.trouble_icon, "caution", 16, colour=tokens().caution)

    def _on_leave_out(self) -> None:
        self.leave_out_asked.emit(self._image not in self._controller.planning.left_out)

    def _on_use(self) -> None:
        self.split_menu.popup(self.use_button.mapToGlobal(self.use_button.rect().bottomLeft()))

    def _check_split(self) -> None:
        now = self._controller.planning.split_of(self._image) or ""
        for split, action in self.use_actions.items():
            action.setChecked(split == now)

    def _on_split(self, action: QAction) -> None:
        self.use_asked.emit(action.objectName())

    def _on_annotations(self) -> None:
        self.picture.show_annotations(boxes=self.box_button.isChecked(), parts=self.parts_button.isChecked())


def _toggle(icon: str, name: str, tip: str) -> QToolButton:
    button = QToolButton()
    set_icon(button, icon)
    button.setCheckable(True)
    button.setChecked(True)
    button.setToolTip(tip)
    button.setAccessibleName(name)
    return button
