"""The dialog About: version, citation and licences."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from s3n_core.version import __version__
from s3n_gui.appearance.resources import resource
from s3n_gui.appearance.theme import font, px, set_icon
from s3n_gui.appearance.tokens import BETWEEN_GROUPS, INSIDE_GROUP
from s3n_gui.widgets.dialog_size import fit_in_window

CITATION = """@inproceedings{ding2019selective,
  title     = {Selective Sparse Sampling for Fine-Grained Image Recognition},
  author    = {Ding, Yao and Zhou, Yanzhao and Zhu, Yi and Ye, Qixiang and Jiao, Jianbin},
  booktitle = {Proceedings of the IEEE/CVF International Conference on Computer Vision (ICCV)},
  year      = {2019}
}
"""
_LICENCES = """S3N Studio: MIT licence.
Qt and PySide6: LGPL 3, used unmodified as shared libraries.
PyTorch, torchvision, NumPy, scikit-learn: BSD 3-clause.
pyqtgraph, pydantic, typer, platformdirs: MIT. Pillow: MIT-CMU. psutil: BSD 3-clause.
OpenCV, safetensors: Apache 2.0. matplotlib: its own licence, based on PSF. filelock: Unlicense or MIT, by version.
Font Inter: SIL Open Font License 1.1, as follows.

"""


class AboutDialog(QDialog):
    """Versions, citation, licences.

    Signals:
        copy_asked: Copy the diagnostics to the clipboard.
        logs_asked: Open the log folder.
    """

    copy_asked = Signal()
    logs_asked = Signal()

    def __init__(self, diagnostics: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About S3N Studio")
        name = QLabel("S3N Studio")
        name.setProperty("role", "title")
        version = QLabel(f"Version {__version__}")
        version.setProperty("role", "quiet")
        what = QLabel(
            "Finds the parts that tell similar things apart, from image labels alone. It sends no data: no telemetry, "
            "no update checks."
        )
        what.setWordWrap(True)
        tabs = QTabWidget()
        tabs.tabBar().setAccessibleName("Versions, citation, licences")
        citation = "If you use this program, please cite the paper whose method it implements.\n\n" + CITATION
        licences = _LICENCES + resource("fonts/OFL.txt").read_text(encoding="utf-8")
        for title, content in (("Versions", diagnostics), ("Citation", citation), ("Licences", licences)):
            tabs.addTab(_text(title, content), title)
        copy = QPushButton("Copy diagnostics")
        set_icon(copy, "copy")
        copy.clicked.connect(self.copy_asked)
        logs = QPushButton("Open log folder")
        set_icon(logs, "folder")
        logs.clicked.connect(self.logs_asked)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        foot = QHBoxLayout()
        foot.setSpacing(INSIDE_GROUP)
        foot.addWidget(copy)
        foot.addWidget(logs)
        foot.addStretch(1)
        foot.addWidget(buttons)
        column = QVBoxLayout(self)
        column.setContentsMargins(BETWEEN_GROUPS, BETWEEN_GROUPS, BETWEEN_GROUPS, 16)
        column.setSpacing(INSIDE_GROUP)
        for widget in (name, version, what):
            column.addWidget(widget)
        column.addSpacing(INSIDE_GROUP)
        column.addWidget(tabs, 1)
        column.addSpacing(INSIDE_GROUP)
        column.addLayout(foot)
        fit_in_window(self, QSize(px(680), px(560)))


def _text(title: str, content: str) -> QPlainTextEdit:
    text = QPlainTextEdit(content)
    text.setAccessibleName(title)
    text.setReadOnly(True)
    text.document().setDocumentMargin(px(12))
    text.setFont(font("body"))
    text.setFrameShape(QPlainTextEdit.Shape.NoFrame)
    text.setProperty("role", "reading")
    text.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
    text.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    return text
