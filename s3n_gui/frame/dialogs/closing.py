"""What becomes of a running training when the window closes: the person decides."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QWidget

from s3n_gui.widgets.question import Answer, Question


class ClosingDialog(Question):
    """Asks once for all trainings: "stop", "leave" or "cancel"."""

    def __init__(self, titles: Sequence[str], parent: QWidget | None = None) -> None:
        """Make the dialog.

        Args:
            titles: What runs, for a person: "Training run-07".
            parent: The window that is about to close.
        """
        super().__init__(
            "A training is running" if len(titles) == 1 else f"{len(titles)} trainings are running",
            "\n".join(titles),
            "It can go on without the window: the next start finds it again. "
            "Or it stops after the batch at hand; the model so far is kept and can be trained further.",
            (Answer("stop", "Stop and keep", "stop"), Answer("leave", "Leave running")),
            parent,
        )
