"""How steady the chosen part is, in the card at the right: what was measured, and the button that measures it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from s3n_core.parts.steadiness.steadiness_result import Statement
from s3n_gui.appearance.tokens import INSIDE_GROUP, SPACE
from s3n_gui.widgets.progress_bar import StoppableProgress

_FIRST = (
    "Ask the model again for up to 200 images, mirrored and cropped: do the peaks of each part come again, and how far "
    "off are they? This takes some minutes; the atlas keeps the result"
)
_AGAIN = "Measure the parts that were edited, in the images that tell of them; what is known of the others stays"


class SteadyBox(QWidget):
    """The sentences of one part, and the job.

    Signals:
        measure_asked: Measure it.
        other_asked: Hold it against the atlas of another model.
        stop_asked: Stop measuring.
    """

    measure_asked = Signal()
    other_asked = Signal()
    stop_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.outdated = _label("quiet")
        self.outdated.setText("This part was edited since it was measured.")
        self.state = _label("quiet")
        self.lines: list[tuple[QLabel, QLabel]] = []
        """What was measured, and below each its interval and control."""
        self._words = QVBoxLayout()
        self._words.setSpacing(2)
        self.measure = QPushButton()
        self.other = QPushButton("With another model…")
        self.other.setProperty("role", "link")
        self.other.setToolTip(
            "Choose an atlas of another model from the same images, such as one of another training seed: how many peaks of each "
            "part does it have, too?"
        )
        self.running = StoppableProgress("Measuring how steady parts are", "Stop measuring; nothing is kept")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(INSIDE_GROUP)
        column.addLayout(self._words)
        for widget in (self.outdated, self.measure, self.state, self.running):
            column.addWidget(widget)
        column.addWidget(self.other, 0, Qt.AlignmentFlag.AlignLeft)
        self.other.clicked.connect(self.other_asked)
        self.measure.clicked.connect(self.measure_asked)
        self.running.stop.clicked.connect(self.stop_asked)
        self._measured = False
        self.show_part((), measured=False)
        self.show_job("", None, running=False)

    def show_part(self, statements: Sequence[Statement], *, measured: bool, outdated: bool = False) -> None:
        """Show what is known of a part.

        Args:
            statements: What was measured.
            measured: Whether the part was measured, as it is now.
            outdated: Whether only other parts of the atlas are measured: this one was edited since.
        """
        self._measured = measured
        self.outdated.setVisible(outdated)
        self.measure.setText("Measure it again" if outdated else "Measure how steady it is")
        self.measure.setToolTip(_AGAIN if outdated else _FIRST)
        while len(self.lines) < len(statements):
            pair = _label(""), _label("caption")
            pair[0].setContentsMargins(0, SPACE, 0, 0)
            self.lines.append(pair)
            for label in pair:
                self._words.addWidget(label)
        for number, (said, beside) in enumerate(self.lines):
            known = statements[number] if number < len(statements) else Statement("", "")
            for label, text in ((said, known.said), (beside, known.beside)):
                label.setText(text)
                label.setVisible(bool(text))
        self.measure.setVisible(not measured and self.running.isHidden())
        self.other.setVisible(measured and self.running.isHidden())

    def show_job(self, state: str, fraction: float | None, *, running: bool) -> None:
        """Show the progress of the job.

        Args:
            state: In words.
            fraction: What is done, in [0, 1]; None: not known.
            running: Whether it runs.
        """
        focused = any(button.hasFocus() for button in (self.measure, self.running.stop, self.other))
        self.state.setText(state)
        self.state.setVisible(running)
        self.running.setVisible(running)
        self.running.bar.show_share(fraction)
        self.measure.setVisible(not running and not self._measured)
        self.other.setVisible(not running and self._measured)
        if focused:
            (self.running.stop if running else self.other if self._measured else self.measure).setFocus()


def _label(role: str) -> QLabel:
    label = QLabel()
    label.setProperty("role", role)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label
