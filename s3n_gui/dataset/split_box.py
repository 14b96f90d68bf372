"""What is learned from, held out and tested on, and the choice of what is held out."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from s3n_gui.dataset.survey import USE_WORDS, USES
from s3n_gui.dataset.use_bar import UseBar, UseDot
from s3n_gui.session import HeldOut
from s3n_gui.theme import number_font, px, theme

_PAUSE_MILLISECONDS = 150
_TIPS = {
    "train": "Images to learn from. Press to list them.",
    "held-out": "Training images kept back to choose the best epoch by; never learned from. Press to list them.",
    "test": "Images that the data set keeps for the test; never learned from, never chosen by. Press to list them.",
    "unlabelled": "Images without a label: they can be predicted. Press to list them.",
    "left-out": "Images that you have left out: nothing is learned from them. Press to list them.",
}


class SplitBox(QWidget):
    """A bar, a row for each use, and two fields.

    Signals:
        use_chosen: The use whose row was pressed, or "" where it was the chosen one already.
        held_out_chosen: Share in [0, 0.5] and draw.
    """

    use_chosen = Signal(str)
    held_out_chosen = Signal(float, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        title = QLabel("Split")
        title.setProperty("role", "section")
        self.bar = UseBar()
        rows = QVBoxLayout()
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        self.buttons: dict[str, QPushButton] = {}
        self._numbers: dict[str, QLabel] = {}
        for row, (use, word) in enumerate((*USE_WORDS.items(), ("left-out", "Left out"))):
            button = QPushButton(word)
            button.setProperty("role", "row")
            button.setCheckable(True)
            button.setToolTip(_TIPS[use])
            button.setObjectName(use)
            button.clicked.connect(self._on_use)
            dot, number = UseDot(row), QLabel()
            inside = QHBoxLayout(button)
            inside.setContentsMargins(6, 0, 6, 0)
            inside.addWidget(dot)
            inside.addSpacing(2)
            label = QLabel(word)
            for part in (label, number):
                part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            inside.addWidget(label, 1)
            inside.addWidget(number)
            button.setText("")
            button.setAccessibleName(word)
            self._numbers[use], self.buttons[use] = number, button
            rows.addWidget(button)
        self.share = QDoubleSpinBox()
        self.share.setRange(0, 50)
        self.share.setDecimals(0)
        self.share.setSingleStep(5)
        self.share.setSuffix(" %")
        self.share.setAccessibleName("Share of the training images to hold out")
        self.share.setToolTip("Share of the training images that the next training holds out, evenly of each class")
        self.seed = QSpinBox()
        self.seed.setRange(0, 2**31 - 1)
        self.seed.setAccessibleName("Draw of the held-out images")
        self.seed.setToolTip("Another number holds out other images; the same number always the same ones")
        self.words = QLabel("The data set brings its own validation images.")
        self.words.setWordWrap(True)
        self.words.setProperty("role", "caption")
        self.fields = QWidget()
        fields = QGridLayout(self.fields)
        fields.setContentsMargins(0, 0, 0, 0)
        fields.setSpacing(8)
        fields.setColumnStretch(1, 1)
        for row, (word, field) in enumerate((("Hold out", self.share), ("Draw", self.seed))):
            label = QLabel(word)
            label.setBuddy(field)
            fields.addWidget(label, row, 0)
            fields.addWidget(field, row, 1)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(title)
        column.addWidget(self.bar)
        column.addLayout(rows)
        column.addWidget(self.fields)
        column.addWidget(self.words)
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MILLISECONDS)
        self._pause.timeout.connect(self._on_pause)
        self.share.valueChanged.connect(self._on_field)
        self.seed.valueChanged.connect(self._on_field)
        theme().changed.connect(self._fit)
        self._fit()

    def show_counts(self, counts: tuple[int, ...], left_out: int) -> None:
        """Show how many images each use has, and how many are left out."""
        self.bar.show_counts(counts)
        for use, count in zip((*USES, "left-out"), (*counts, left_out), strict=True):
            self._numbers[use].setText(f"{count:,}")
            self.buttons[use].setVisible(count > 0 or use == "held-out")

    def show_held_out(self, held_out: HeldOut, *, given: bool) -> None:
        """Show the choice.

        Args:
            held_out: It.
            given: The data set brings its own validation images: there is nothing to choose.
        """
        for field, value in ((self.share, 100 * held_out.fraction), (self.seed, held_out.seed)):
            field.blockSignals(True)
            field.setValue(round(value))
            field.blockSignals(False)
        self.fields.setVisible(not given)
        self.words.setVisible(given)

    def show_use(self, use: str | None) -> None:
        """Mark the use that is listed."""
        for name, button in self.buttons.items():
            button.setChecked(name == use)

    def _on_use(self, checked: bool) -> None:
        self.use_chosen.emit(self.sender().objectName() if checked else "")

    def _on_field(self) -> None:
        self._pause.start()

    def _on_pause(self) -> None:
        self.held_out_chosen.emit(self.share.value() / 100, self.seed.value())

    def _fit(self) -> None:
        for label in self._numbers.values():
            label.setFont(number_font("body"))
        for button in self.buttons.values():
            button.setFixedHeight(px(26))
