"""The chips below the filter bar: one for each condition, with its number of images; a press removes it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from s3n_gui.appearance.theme import set_icon
from s3n_gui.appearance.wording import count_text, label_text, tip_text
from s3n_gui.dataset.controller import DataController
from s3n_gui.dataset.image_filter import Condition
from s3n_gui.widgets.flow_layout import FlowLayout

_LONGEST = 28  # letters of a chip's words


class FilterChips(QWidget):
    """The chips; hidden while all images are listed.

    Signals:
        removed: A condition was removed by a press.
        cleared: All conditions should be removed.
    """

    removed = Signal()
    cleared = Signal()

    def __init__(self, controller: DataController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._controller = controller
        self.chips: dict[Condition, QPushButton] = {}
        self._flow = FlowLayout()
        self.setLayout(self._flow)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName("Filters")
        self.clear = QPushButton("Clear all")
        self.clear.setProperty("role", "link")
        self.clear.setToolTip("Clear all filters (Esc)")
        self.clear.clicked.connect(self.cleared)
        self._flow.addWidget(self.clear)
        controller.listed_changed.connect(self._show)
        controller.marks_changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        controller, chosen, survey = self._controller, self._controller.filter, self._controller.survey
        wanted = chosen.conditions if survey is not None else ()
        for gone in self.chips.keys() - set(wanted):
            chip = self.chips.pop(gone)
            self._flow.removeWidget(chip)
            chip.hide()
            chip.deleteLater()
        for condition in wanted:
            if condition not in self.chips:
                self._add(condition)
            assert survey is not None
            words = chosen.words(condition, survey.data_set.classes)
            count = count_text(controller.count(chosen.only(condition)), "image")
            short = words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"
            chip = self.chips[condition]
            chip.setText(f"{label_text(short)}  {count.split()[0]}")
            chip.setToolTip(tip_text(f"{words}: {count}\nClick to remove this filter"))
            chip.setAccessibleName(f"Remove the filter {words}, {count}")
        self.setVisible(bool(wanted))
        self.updateGeometry()

    def _add(self, condition: Condition) -> None:
        chip = _Chip(condition, self)
        chip.setProperty("role", "chip")
        chip.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # its cross is behind the words
        set_icon(chip, "close", 12)
        chip.chosen.connect(self._on_chip)
        self.chips[condition] = chip
        self._flow.removeWidget(self.clear)
        self._flow.addWidget(chip)
        self._flow.addWidget(self.clear)
        chip.show()

    def _on_chip(self, condition: Condition) -> None:
        focused = self.chips[condition].hasFocus()
        self._controller.apply_filter(self._controller.filter.without(condition))
        if focused and self.chips:
            next(iter(self.chips.values())).setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self.removed.emit()


class _Chip(QPushButton):
    """A condition that a click removes.

    Signals:
        chosen: Its condition.
    """

    chosen = Signal(str)

    def __init__(self, condition: Condition, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName(condition)
        self._condition = condition
        self.clicked.connect(self._on_clicked)

    def _on_clicked(self) -> None:
        self.chosen.emit(self._condition)
