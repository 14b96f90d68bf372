"""The bar of a job's progress, alone or with the button that stops the job."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QWidget

_POSITIONS = 1000


class ProgressBar(QProgressBar):
    """A bar without text that shows how much of a job is done.

    Args:
        name: What assistive technology calls it.
        parent: The parent widget.
    """

    def __init__(self, name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextVisible(False)
        self.setAccessibleName(name)
        self.show_share(0.0)

    def show_share(self, share: float | None) -> None:
        """Show a share in [0, 1], more counts as 1; None: it is not known yet, which the bar shows by moving to and fro."""
        self.setRange(0, 0 if share is None else _POSITIONS)
        self.setValue(round(_POSITIONS * min(share or 0.0, 1.0)))


class StoppableProgress(QWidget):
    """A line with a bar and a button *Stop*.

    Attributes:
        bar: The bar.
        stop: The button.

    Args:
        name: What assistive technology calls the bar.
        tip: The button's tool tip.
        parent: The parent widget.
    """

    def __init__(self, name: str, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bar, self.stop = ProgressBar(name), QPushButton("Stop")
        self.stop.setToolTip(tip)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        line.addWidget(self.bar, 1)
        line.addWidget(self.stop)

    def show_steps(self, doing: str, done: int, total: int) -> None:
        """Show how many images of how many are done; a total of 0: the job starts.

        Args:
            doing: What is done, as a word: "Hiding".
            done: The images that are done.
            total: All images of the job.
        """
        words = f"{done} of {total} images" if total else "Starting"
        self.bar.show_share(done / total if total else None)
        self.bar.setToolTip(words)
        self.bar.setAccessibleName(f"{doing}: {words}")
