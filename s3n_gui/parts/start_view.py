"""The page before there is an atlas: what it does, the choices, and the job; below them the recent atlases."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from s3n_core.parts.atlas.preview import AtlasPreview
from s3n_gui.appearance.theme import px, set_icon, theme
from s3n_gui.appearance.tokens import INSIDE_GROUP, PAGE_MARGIN
from s3n_gui.appearance.wording import label_text, tip_text
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.parts.crop import PathOf
from s3n_gui.parts.preview_view import PreviewView
from s3n_gui.state.atlas_search import OtherAtlas
from s3n_gui.state.opening import data_set_title
from s3n_gui.state.recent import RecentItem
from s3n_gui.state.split_choice import SplitChoice, split_text
from s3n_gui.widgets.column_scroll_area import ColumnScrollArea
from s3n_gui.widgets.elided_button import ElidedButton
from s3n_gui.widgets.elided_label import ElidedLabel
from s3n_gui.widgets.number_fields import WholeNumberField
from s3n_gui.widgets.progress_bar import ProgressBar

_WIDE = 520
_MOST_PARTS = 500
_SHOWN_RECENT = 5


class StartView(ColumnScrollArea):
    """The choices for a search, and the recent atlases.

    Signals:
        split_chosen: One of ``SPLIT_CHOICES``.
        parts_chosen: The number of parts; None: suggested.
        parts_of_chosen: The folder of the atlas whose parts are taken; None: parts are found.
        start_asked: Find parts; whether to start over.
        stop_asked: Stop the job.
        open_asked: Choose the folder of an atlas.
        recent_chosen: The ``Path`` of a recent atlas.
    """

    split_chosen = Signal(str)
    parts_chosen = Signal(object)
    parts_of_chosen = Signal(object)
    start_asked = Signal(bool)
    stop_asked = Signal()
    open_asked = Signal()
    recent_chosen = Signal(object)

    def __init__(self, thumbnails: ThumbnailLoader, path_of: PathOf, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.preview = PreviewView(thumbnails, path_of)
        title = QLabel("Find parts")
        title.setProperty("role", "title")
        lead = QLabel(
            "Groups what the model looks at in all images into parts, and shows which of them tell two classes apart, by how "
            "much, and whether the model relies on them."
        )
        lead.setWordWrap(True)
        lead.setProperty("role", "quiet")
        self.images, self.model = ElidedLabel(name=True), ElidedLabel(name=True)
        self.split = QComboBox()
        self.split.setAccessibleName("Split")
        self.split.setToolTip(
            "Which images to take. First choice: the labelled test images, which the model has not seen"
        )
        self.parts = WholeNumberField()
        self.parts.setRange(1, _MOST_PARTS)
        self.parts.setSpecialValueText("Suggested")
        self.parts.setAccessibleName("Number of parts")
        self.parts.setToolTip(
            "Suggested: the number that separates the groups best, the largest if several do so equally well. You can\n"
            "merge and split parts later, or change the number: the images are not read again."
        )
        self.parts_of = QComboBox()
        self.parts_of.setAccessibleName("Where the parts come from")
        self.parts_of.setToolTip(
            "Find parts in these images, or give them the parts of another atlas of this model, with the names that you gave\n"
            "them: the same part then has the same name and colour in both"
        )
        self.progress = ProgressBar("Progress of the search for parts")
        self.state = ElidedLabel()
        self.state.setProperty("role", "quiet")
        self.start, self.stop, self.more = QPushButton("Find parts"), QPushButton("Stop"), QToolButton()
        self.start.setProperty("role", "primary")
        set_icon(self.stop, "stop")
        self.stop.setToolTip("Stop and keep what is done; you can continue later (Ctrl+.)")
        set_icon(self.more, "more")
        self.more.setToolTip("More ways to find parts")
        self.more.setAccessibleName("More ways to find parts")
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        self.over = menu.addAction("Start over", self._on_start_over)
        self.more.setMenu(menu)
        self.open = QPushButton("Open atlas…")
        self.open.setToolTip("Open the folder of an atlas: of the command line, or of another computer (Ctrl+Shift+A)")
        set_icon(self.open, "open")
        self._label_of: dict[QWidget, QLabel] = {}
        self._recent_head = QLabel("Recent atlases")
        self._recent_head.setProperty("role", "section")
        self._recent_rows = QVBoxLayout()
        self._recent_rows.setSpacing(0)
        self._shown_recent: tuple[RecentItem, ...] = ()
        self._lay_out(title, lead)
        self.split.activated.connect(self._on_split)
        self.parts.valueChanged.connect(self._on_parts)
        self.parts_of.activated.connect(self._on_parts_of)
        self.start.clicked.connect(self._on_start)
        self.stop.clicked.connect(self.stop_asked)
        self.open.clicked.connect(self.open_asked)
        theme().changed.connect(self._fit)
        self._fit()

    def _lay_out(self, title: QLabel, lead: QLabel) -> None:
        card = QFrame()
        card.setProperty("role", "card")
        form = QGridLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(INSIDE_GROUP)
        for line, (name, widget) in enumerate(
            (
                ("Model", self.model),
                ("Data set", self.images),
                ("Images", self.split),
                ("Parts", self.parts_of),
                ("Number of parts", self.parts),
            )
        ):
            label = QLabel(name)
            label.setProperty("role", "quiet")
            label.setBuddy(widget)
            form.addWidget(label, line, 0)
            form.addWidget(widget, line, 1)
            self._label_of[widget] = label
        form.setColumnStretch(1, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(INSIDE_GROUP)
        buttons.addStrut(px(32))
        for button in (self.start, self.stop, self.more):
            buttons.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)
        buttons.addStretch(1)
        buttons.addWidget(self.open, 0, Qt.AlignmentFlag.AlignVCenter)
        inside = QVBoxLayout(card)
        inside.setContentsMargins(20, 16, 20, 16)
        inside.setSpacing(INSIDE_GROUP)
        inside.addWidget(title)
        inside.addWidget(lead)
        inside.addSpacing(INSIDE_GROUP)
        inside.addLayout(form)
        inside.addSpacing(INSIDE_GROUP)
        inside.addWidget(self.progress)
        inside.addWidget(self.state)
        inside.addLayout(buttons)
        self._inside = QWidget()
        column = QVBoxLayout(self._inside)
        column.setContentsMargins(PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN)
        column.setSpacing(INSIDE_GROUP)
        column.addStretch(1)
        column.addWidget(card)
        column.addSpacing(16)
        column.addWidget(self.preview)
        column.addWidget(self._recent_head)
        column.addLayout(self._recent_rows)
        column.addStretch(2)
        self.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.setWidget(self._inside)

    def show_choice(
        self,
        images: str,
        model: str,
        split: str,
        splits: SplitChoice,
        parts: int | None,
        parts_of: Path | None,
        others: tuple[OtherAtlas, ...],
    ) -> None:
        """Show the choices; where no other atlas has parts to take, there is no choice of that."""
        self.images.setText(images)
        self.model.setText(model)
        with QSignalBlocker(self.split):
            self.split.clear()
            counts = splits.counts or (None,) * len(splits.available)
            for name, count in zip(splits.available, counts, strict=True):
                self.split.addItem(split_text(name, count), name)
            self.split.setCurrentIndex(max(self.split.findData(split), 0))
        with QSignalBlocker(self.parts):
            self.parts.setValue(parts or 1)
        with QSignalBlocker(self.parts_of):
            self.parts_of.clear()
            self.parts_of.addItem("Found in these images", None)
            for other in others:
                self.parts_of.addItem(
                    f"Those of {data_set_title(other.images)} · {split_text(other.split, None)}",
                    other.folder,
                )
                self.parts_of.setItemData(
                    self.parts_of.count() - 1, tip_text(str(other.folder)), Qt.ItemDataRole.ToolTipRole
                )
            chosen = [None, *(other.folder for other in others)].index(parts_of)
            self.parts_of.setCurrentIndex(chosen)
        for choice, shown in ((self.parts_of, bool(others)), (self.parts, parts_of is None)):
            choice.setVisible(shown)
            self._label_of[choice].setVisible(shown)

    def show_stage(self, word: str, state: str, *, can_start: bool, running: bool, can_start_over: bool) -> None:
        """Show the state of the job and the available buttons.

        Args:
            word: The text of the button that starts it.
            state: A sentence on the state.
            can_start: Whether it can start.
            running: Whether it runs.
            can_start_over: Whether there is something that a new job may replace.
        """
        focused = self.start.hasFocus() or self.stop.hasFocus()
        self.start.setText(word)
        self.start.setToolTip(f"{word} (Ctrl+Enter)")
        self.start.setEnabled(can_start)
        self.start.setVisible(not running)
        self.stop.setVisible(running)
        self.more.setVisible(can_start_over and not running)
        self.progress.setVisible(running)
        for choice in (self.split, self.parts, self.parts_of):
            choice.setEnabled(not running)
        self.state.setText(state)
        self.state.setToolTip(tip_text(state))
        if focused:
            (self.stop if running else self.start).setFocus()

    def show_progress(self, fraction: float | None, state: str) -> None:
        """Show the job's progress; None while it is not known."""
        self.progress.show_share(fraction)
        self.state.setText(state)

    def show_preview(self, preview: AtlasPreview | None, total: int) -> None:
        """Show the parts found so far, of ``total`` images; None: none."""
        self.preview.show_preview(preview, total)
        self._inside.adjustSize()

    def show_recent(self, items: tuple[RecentItem, ...]) -> None:
        """Show the recent atlases, newest first."""
        items = items[:_SHOWN_RECENT]
        self._recent_head.setVisible(bool(items))
        if items == self._shown_recent:
            return
        self._shown_recent = items
        while (item := self._recent_rows.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.deleteLater()
        for entry in items:
            button = _RecentButton(entry)
            button.chosen.connect(self.recent_chosen)
            self._recent_rows.addWidget(button)

    def _on_split(self) -> None:
        self.split_chosen.emit(self.split.currentData())

    def _on_parts(self, value: int) -> None:
        self.parts_chosen.emit(None if value < 2 else value)

    def _on_parts_of(self) -> None:
        self.parts_of_chosen.emit(self.parts_of.currentData())

    def _on_start(self) -> None:
        self.start_asked.emit(False)

    def _on_start_over(self) -> None:
        self.start_asked.emit(True)

    def _fit(self) -> None:
        self._inside.setMaximumWidth(px(_WIDE) + 2 * PAGE_MARGIN)

    def sizeHint(self) -> QSize:
        """Return the size at which nothing scrolls."""
        return self._inside.sizeHint()


class _RecentButton(ElidedButton):
    """One recent atlas.

    Signals:
        chosen: Its ``Path``.
    """

    chosen = Signal(object)

    def __init__(self, item: RecentItem, parent: QWidget | None = None) -> None:
        super().__init__(label_text(item.detail or item.path.name), name=False, parent=parent)
        self._path: Path = item.path
        self.setProperty("role", "link")
        self.setToolTip(tip_text(str(item.path)))
        self.clicked.connect(self._on_clicked)

    def _on_clicked(self) -> None:
        self.chosen.emit(self._path)
