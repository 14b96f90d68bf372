"""A line below the classes where their sizes differ so much that a training would favour the large ones."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QWidget

from s3n_core.datasets.imbalance import unequal_classes
from s3n_gui.appearance.wording import tip_text
from s3n_gui.dataset.controller import DataController
from s3n_gui.dataset.survey import TRAIN, VALIDATION
from s3n_gui.widgets.elided_label import ElidedLabel


class UnequalNote(ElidedLabel):
    """Names the largest and the smallest class, and what can be done; hidden where they do not differ much."""

    def __init__(self, controller: DataController, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._controller = controller
        self.setProperty("state", "caution")
        self.setAccessibleName("Unequal classes")
        controller.survey_changed.connect(self._show)
        controller.planning.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        survey, planning = self._controller.survey, self._controller.planning
        sentence = ""
        if survey is not None and not self._controller.is_provisional and len(planning.uses) == len(survey):
            learned = np.isin(planning.uses, (TRAIN, VALIDATION)) & (survey.labels >= 0)
            learned[list(planning.left_out)] = False
            counts = np.bincount(survey.labels[learned], minlength=len(survey.titles)).tolist()
            found = unequal_classes(counts, survey.titles)
            if found is not None:
                sentence = f"{found.sentence} See Class balance under Advanced on the page Train."
        self.setText(sentence)
        self.setToolTip(tip_text(sentence))
        self.setVisible(bool(sentence))
