"""What a label draws of its text where it does not fit."""

import pytest
from PySide6.QtWidgets import QApplication

from s3n_gui.widgets.elided_label import ElidedLabel


@pytest.mark.parametrize(
    ("text", "name", "template"),
    [
        ("2,124 × 1,500 px", False, "2,12…"),
        ("Model 41b62bd6", False, "Mode…"),
        ("Frost_0004.jpg", True, "F….jpg"),
    ],
)
def test_a_few_letters_are_not_drawn(text: str, name: bool, template: str, qapp: QApplication) -> None:
    label = ElidedLabel(text, name=name)
    metrics = label.fontMetrics()
    label.resize(metrics.horizontalAdvance(text) + 2, 20)
    assert label.shown == text
    label.resize(metrics.horizontalAdvance(template[:-1]), 20)
    assert label.shown == ""
    label.resize(metrics.horizontalAdvance(text) - 2, 20)
    assert "…" in label.shown
    assert len(label.shown) > 5


def test_a_short_text_that_fits_is_drawn(qapp: QApplication) -> None:
    label = ElidedLabel("C")
    label.resize(24, 20)
    assert label.shown == "C"
