"""One row per finding: what it is, what it means, and what to do about it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from s3n_gui.appearance.theme import set_icon, tokens
from s3n_gui.appearance.wording import count_text, tip_text
from s3n_gui.dataset.findings import GRAVE, Finding, Kind

_SHOWN_DETAILS = 12
_BUTTONS = ("Show me", "Compare", "Leave out")


class FindingRow(QWidget):
    """The row of one finding.

    Signals:
        show_asked: List the finding's images; carries its kind.
        pairs_asked: Show the finding's pairs side by side; carries the ``Finding``.
        leave_out_asked: Image indices, and whether to leave them out (True) or include them again.
    """

    show_asked = Signal(str)
    pairs_asked = Signal(object)
    leave_out_asked = Signal(object, bool)

    def __init__(self, finding: Finding, left_out: frozenset[int], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._finding = finding
        self._settled = bool(finding.leave_out) and finding.leave_out <= left_out
        icon = QLabel()
        grave = finding.kind in GRAVE
        name, colour = (
            ("check", tokens().good) if self._settled else ("caution", tokens().bad if grave else tokens().caution)
        )
        set_icon(icon, name, 16, colour=colour)
        title = QLabel(finding.title)
        title.setTextFormat(Qt.TextFormat.PlainText)
        done = (
            f"{count_text(len(finding.leave_out), 'image is', 'images are')} left out."
            if self._settled
            else finding.text
        )
        text = QLabel(done)
        text.setProperty("role", "caption")
        text.setWordWrap(True)
        if finding.details:
            more = len(finding.details) - _SHOWN_DETAILS
            lines = [*finding.details[:_SHOWN_DETAILS], *([f"and {more:,} more"] if more > 0 else [])]
            self.setToolTip(tip_text("\n".join(lines)))
        buttons = QHBoxLayout()
        buttons.setContentsMargins(-4, 0, 0, 0)  # offsets a link's padding, so that its text aligns with the title
        buttons.setSpacing(12)
        self.show_button, self.pairs_button, self.leave_button = (QPushButton(word, self) for word in _BUTTONS)
        for button in (self.show_button, self.pairs_button, self.leave_button):
            button.setProperty("role", "link")
            button.setStyleSheet("QPushButton { padding: 0; }")  # aligns its text with the title
            button.hide()
        if finding.images:
            self.show_button.setToolTip("Show only these images, with copies next to each other")
            self.show_button.setAccessibleName(f"Show me: {finding.title}")
            self.show_button.clicked.connect(self._on_show)
            buttons.addWidget(self.show_button)
            self.show_button.show()
        if finding.pairs:
            self.pairs_button.setToolTip("Compare two of them side by side, and leave one out")
            self.pairs_button.setAccessibleName(f"Compare: {finding.title}")
            self.pairs_button.clicked.connect(self._on_pairs)
            buttons.addWidget(self.pairs_button)
            self.pairs_button.show()
        if finding.leave_out:
            count = len(finding.leave_out)
            self.leave_button.setText("Include again" if self._settled else f"Leave out {count:,}")
            self.leave_button.setToolTip(
                "Use them for training again"
                if self._settled
                else f"Do not use {count_text(count, 'image')} for training; the files are not changed (Ctrl+Z undoes "
                "this)"
            )
            self.leave_button.setAccessibleName(f"{self.leave_button.text()}: {finding.title}")
            self.leave_button.clicked.connect(self._on_leave_out)
            buttons.addWidget(self.leave_button)
            self.leave_button.show()
        buttons.addStretch(1)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(title)
        words.addWidget(text)
        if finding.images or finding.leave_out:
            words.addLayout(buttons)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)

    @property
    def kind(self) -> Kind:
        """The kind of the finding."""
        return self._finding.kind

    @property
    def buttons(self) -> tuple[QPushButton, ...]:
        """All buttons, of which some may be hidden."""
        return self.show_button, self.pairs_button, self.leave_button

    def _on_show(self) -> None:
        self.show_asked.emit(self._finding.kind)

    def _on_pairs(self) -> None:
        self.pairs_asked.emit(self._finding)

    def _on_leave_out(self) -> None:
        self.leave_out_asked.emit(self._finding.leave_out, not self._settled)
