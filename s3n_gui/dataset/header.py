"""The header of the Data page: the open data set, its detected format, and the menu that changes the format."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QInputDialog, QLabel, QMenu, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from s3n_core.datasets.readers.file_names import DEFAULT_PATTERN, FORMAT
from s3n_core.datasets.records import DataSet
from s3n_gui.appearance.theme import set_icon
from s3n_gui.appearance.wording import place_text, tip_text
from s3n_gui.dataset.skipped_button import SkippedButton
from s3n_gui.state.opening import data_set_title
from s3n_gui.widgets.elided_label import ElidedLabel
from s3n_gui.widgets.flow_layout import FlowLayout
from s3n_gui.widgets.folding_panes import Side
from s3n_gui.widgets.side_button import SideButton

FORMAT_TITLES = {
    "auto": "Detect automatically",
    "cub-200-2011": "CUB-200-2011 (boxes, parts, split)",
    "fgvc-aircraft-2013b": "FGVC-Aircraft 2013b, variants",
    "fgvc-aircraft-2013b:family": "FGVC-Aircraft 2013b, families",
    "fgvc-aircraft-2013b:manufacturer": "FGVC-Aircraft 2013b, manufacturers",
    "stanford-cars": "Stanford Cars (boxes, split)",
    "list-files": "List files (train.txt, test.txt)",
    "label-table": "Label table (CSV, JSON)",
    "class-folders": "One subfolder per class",
    "class-folders:classes": "Every subfolder a class, even one named like a split",
    "class-folders:splits": "Split folders (train, test) with class folders inside",
    "class-folders:2": "Classes from two levels of folders",
    "file-names": "Classes from file names…",
    "images": "Images without labels",
}


class Header(QWidget):
    """The line above the page's content.

    Signals:
        format_chosen: Reread the folder in this format.
        open_asked: Choose another folder.
        side_asked: "left" or "right", and whether to show this side.
    """

    format_chosen = Signal(str)
    open_asked = Signal()
    side_asked = Signal(str, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._format = ""  # of the data set that is shown
        self.name = ElidedLabel(name=True)
        self.name.setProperty("role", "title")
        self.detected = ElidedLabel()
        self.detected.setProperty("role", "quiet")
        self.change = QPushButton("Change")
        self.change.setProperty("role", "link")
        self.change.setToolTip("Choose the format of this folder if the detected one is wrong")
        self.change.setAccessibleName("Change the format of the data set")
        menu = QMenu(self.change)
        self.actions_by_format: dict[str, QAction] = {}
        for name, title in FORMAT_TITLES.items():
            action = menu.addAction(title)
            action.setObjectName(name)
            action.setCheckable(name != "auto")
            self.actions_by_format[name] = action
            if name == "auto":
                menu.addSeparator()
        menu.triggered.connect(self._on_format)
        self.change.clicked.connect(self._on_change)
        self._menu = menu
        self.skipped = SkippedButton()
        self.place = ElidedLabel()
        self.place.setProperty("role", "caption")
        self.open = QPushButton("Open data set…")
        set_icon(self.open, "open")
        self.open.setIconSize(QSize(16, 16))
        self.open.setToolTip("Choose another folder of images (Ctrl+O), or drop a folder on the window")
        self.open.clicked.connect(self.open_asked)
        self.remarks = QLabel()
        self.remarks.setProperty("role", "quiet")
        self.remarks.setTextFormat(Qt.TextFormat.PlainText)
        self.remarks.setWordWrap(True)
        self.remarks.hide()
        self.sides: dict[Side, SideButton] = {
            "left": SideButton("left", "panel-left", "Classes and split", "Ctrl+["),
            "right": SideButton("right", "panel-right", "Selected image and findings", "Ctrl+]"),
        }
        words = QWidget()
        flow = FlowLayout(8, words)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        words.setSizePolicy(policy)
        for widget in (self.name, self.detected, self.change, self.skipped, self.place):
            flow.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        row = QHBoxLayout()
        column.addLayout(row)
        column.addWidget(self.remarks)
        row.setSpacing(8)
        row.addWidget(words, 1)
        for button in self.sides.values():
            button.asked.connect(self.side_asked)
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.open, 0, Qt.AlignmentFlag.AlignTop)

    def show_reading(self, root: Path) -> None:
        """Show that a folder is being read; its format cannot be changed yet."""
        self.name.setText(data_set_title(root))
        self.detected.setText("Reading the folder…")
        self.place.setText(place_text(root, 60))
        self.change.setEnabled(False)
        self.remarks.hide()
        self.skipped.show_skipped(())

    def show_data_set(self, data_set: DataSet, *, by_hand: bool = False) -> None:
        """Show a data set; ``by_hand``: the user chose its format."""
        self.change.setEnabled(True)
        self.skipped.show_skipped(data_set.skipped, data_set.problems)
        self.name.setText(data_set_title(data_set.root.resolve()))
        self.detected.setText(f"{'Read' if by_hand else 'Detected'} as {data_set.title}")
        self.place.setText(place_text(data_set.root, 60))
        self.place.setToolTip(tip_text(str(data_set.root)))
        self._format = data_set.format
        self.show_format()
        remarks = (data_set.original or data_set).remarks
        self.remarks.setText("  ".join(remarks))
        self.remarks.setVisible(bool(remarks))

    def show_format(self) -> None:
        """Tick the format of the data set that is shown, after another one was not chosen or could not be read."""
        self._show_checked(self._format)

    def _on_change(self) -> None:
        self._menu.popup(self.change.mapToGlobal(self.change.rect().bottomLeft()))

    def _on_format(self, chosen: QAction) -> None:
        name = chosen.objectName()
        if name == FORMAT:
            pattern, accepted = QInputDialog.getText(
                self,
                "Classes from file names",
                "Pattern of the names, without their suffix: {class} is the class, * is any text.",
                text=DEFAULT_PATTERN,
            )
            if not accepted:
                self.show_format()  # the menu has ticked the entry already
                return
            name = f"{FORMAT}:{pattern.strip()}"
        self._show_checked(name)
        self.format_chosen.emit(name)

    def _show_checked(self, format: str) -> None:
        for name, action in self.actions_by_format.items():
            action.setChecked(name == format or (name == FORMAT and format.startswith(f"{FORMAT}:")))
