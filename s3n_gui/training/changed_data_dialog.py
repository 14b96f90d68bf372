"""A run whose data set is not what it was: whether the training goes on all the same is the person's decision."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from s3n_gui.widgets.question import Answer, Question


class ChangedDataDialog(Question):
    """Asks once: "resume" or "cancel"."""

    def __init__(self, changes: str, parent: QWidget | None = None) -> None:
        """Make the dialog.

        Args:
            changes: What has changed, as the engine says it.
            parent: The window.
        """
        super().__init__(
            "The data set has changed",
            changes,
            "The training can go on with the run's own list: added images are not learned from, missing ones are left out, "
            "classes stay as they were. Or cancel, and put the data set back or start a new run.",
            (Answer("resume", "Resume all the same", "play"),),
            parent,
        )
