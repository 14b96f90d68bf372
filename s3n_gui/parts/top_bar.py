"""The line at the top of an open atlas: its tabs, what it was made of, export, and another search."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QTabBar, QToolButton, QWidget

from s3n_gui.appearance.theme import set_icon
from s3n_gui.appearance.tokens import INSIDE_GROUP
from s3n_gui.appearance.wording import count_text, tip_text
from s3n_gui.parts.atlas_content import AtlasContent
from s3n_gui.state.split_choice import split_text
from s3n_gui.widgets.elided_label import ElidedLabel

EXPORTS = {
    "html": "Atlas as a page for the browser (HTML)",
    "pair": "These two classes as a page (PDF)",
    "part": "The selected part as a page (PDF)",
    "matrix": "Classes × parts as a table (CSV)",
    "csv": "Peaks as a table (CSV)",
    "json": "Parts as key points (COCO JSON)",
}
"""What can be exported."""


class TopBar(QWidget):
    """The line.

    Signals:
        export_asked: "html", "pair", "part", "matrix", "csv" or "json": one of `EXPORTS`.
        open_asked: Open another atlas.
        new_asked: Search for parts again.
    """

    export_asked = Signal(str)
    open_asked = Signal()
    new_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tabs = QTabBar()
        self.tabs.setExpanding(False)
        self.tabs.setDrawBase(False)
        self.tabs.setAccessibleName("Views of the atlas")
        self.facts = ElidedLabel()
        self.facts.setProperty("role", "quiet")
        self.facts.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.export = QPushButton("Export")
        set_icon(self.export, "export")
        menu = QMenu(self)
        menu.triggered.connect(self._on_export)
        self.exports = {kind: menu.addAction(f"{title}…") for kind, title in EXPORTS.items()}
        for kind, action in self.exports.items():
            action.setData(kind)
        self.export.setMenu(menu)
        self.export.setToolTip("Export the atlas, two classes, a part, or all peaks")
        self.more = QToolButton()
        set_icon(self.more, "more")
        self.more.setToolTip("Another atlas")
        self.more.setAccessibleName("Another atlas")
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        others = QMenu(self)
        others.addAction("New search for parts", self.new_asked.emit)
        others.addAction("Open atlas…", self.open_asked.emit)
        self.more.setMenu(others)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(INSIDE_GROUP)
        row.addWidget(self.tabs)
        row.addWidget(self.facts, 1)
        row.addWidget(self.export)
        row.addWidget(self.more)

    def show_content(self, content: AtlasContent | None) -> None:
        """Show what an atlas was made of."""
        if content is None:
            self.facts.clear()
            return
        header = content.atlas.header
        used = sum(not image.error for image in content.atlas.images)
        parts = count_text(len(content.atlas.listed), "part")
        text = f"{split_text(header.split, used)} images · {parts}"
        self.facts.setText(text)
        self.facts.setToolTip(
            tip_text(f"{text}\nModel: {header.model_path}\nImages: {header.data}\nAtlas: {content.atlas.path}")
        )

    def show_exports(self, *, pair: bool, part: bool) -> None:
        """Offer sheets of what there is: of a pair that is compared, of the selected part."""
        self.exports["pair"].setEnabled(pair)
        self.exports["part"].setEnabled(part)

    def _on_export(self, action: QAction) -> None:
        self.export_asked.emit(action.data())
