"""The accuracy card keeps room for its plot, its slider and its sentence, with large text, too."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from s3n_core.evaluation.accuracy import table_accuracy
from s3n_gui.appearance.theme import apply
from s3n_gui.prediction.accuracy.threshold_card import ThresholdCard


@pytest.mark.parametrize("width", [250, 330, 480])
def test_the_plot_does_not_run_into_the_threshold(qtbot: QtBot, themed: QApplication, width: int) -> None:
    apply(themed, "light", 1.4)
    card = ThresholdCard()
    qtbot.addWidget(card)
    card.resize(width, 400)
    card.show()
    label = np.arange(40) % 3
    said = np.where(np.arange(40) % 9, label, (label + 1) % 3)
    confidence = np.linspace(0.4, 1.0, 40)
    card.show_accuracy(table_accuracy(label, said, (label == said).astype(int), confidence, 3))
    QApplication.processEvents()
    card.resize(width, card.minimumSizeHint().height())
    QApplication.processEvents()
    assert card.plot.geometry().bottom() < card.slider.geometry().top()
    assert card.slider.geometry().bottom() < card.sentence.geometry().top()
    assert card.sentence.height() >= card.sentence.heightForWidth(card.sentence.width()), "the sentence is not cut"
    apply(themed, "light", 1.0)
