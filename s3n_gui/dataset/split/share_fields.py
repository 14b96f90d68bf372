"""The fields of a randomly drawn split: its share and its seed."""

from __future__ import annotations

from PySide6.QtCore import QObject, QSignalBlocker, QTimer, Signal
from PySide6.QtWidgets import QGridLayout, QLabel

from s3n_gui.appearance.theme import px, theme
from s3n_gui.widgets.number_fields import FractionField, WholeNumberField

_PAUSE_MILLISECONDS = 400  # waits until typing or scrolling has stopped


class ShareFields(QObject):
    """A form row: a label, a share in percent, a seed.

    Signals:
        chosen: Share, in [0, 1], and seed.
    """

    chosen = Signal(float, int)

    def __init__(self, word: str, what: str, tip: str, most: int, parent: QObject) -> None:
        """Create the fields.

        Args:
            word: The label ("Validation share").
            what: What is drawn ("validation images"), for screen readers.
            tip: The tooltip of the share.
            most: The largest share, in percent.
            parent: The Qt parent.
        """
        super().__init__(parent)
        self.label = QLabel(word)
        self.share = FractionField(trimmed=True)
        self.share.setRange(0, most)
        self.share.setDecimals(1)
        self.share.setSingleStep(5)
        self.share.setSuffix(" %")
        self.share.setAccessibleName(f"Share of {what}")
        self.share.setToolTip(tip)
        self.seed = WholeNumberField()
        self.seed.setRange(0, 2**31 - 1)
        self.seed.setAccessibleName(f"Seed for {what}")
        self.seed.setToolTip(
            f"Which {what} are drawn: the same number always gives the same images, whatever the training seed"
        )
        self.label.setBuddy(self.share)
        theme().changed.connect(self._fit)
        self._fit()
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MILLISECONDS)
        self._pause.timeout.connect(self._on_pause)
        self.share.valueChanged.connect(self._on_field)
        self.seed.valueChanged.connect(self._on_field)

    def add_to(self, grid: QGridLayout, row: int) -> None:
        """Add the widgets to a row of a grid with three columns."""
        for column, widget in enumerate((self.label, self.share, self.seed)):
            grid.addWidget(widget, row, column)

    def show_values(self, share: float, seed: int) -> None:
        """Show a share, in [0, 1], and a seed without emitting ``chosen``; does nothing while the user edits."""
        if self._pause.isActive():
            return
        with QSignalBlocker(self.share), QSignalBlocker(self.seed):
            self.share.setValue(100 * share)
            self.seed.setValue(seed)

    def set_visible(self, visible: bool) -> None:
        """Show or hide the row."""
        for widget in (self.label, self.share, self.seed):
            widget.setVisible(visible)

    def _fit(self) -> None:
        for field, least in ((self.share, 72), (self.seed, 56)):
            field.setMinimumWidth(px(least))

    def _on_field(self) -> None:
        self._pause.start()

    def _on_pause(self) -> None:
        self.chosen.emit(self.share.value() / 100, self.seed.value())
