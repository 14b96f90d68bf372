"""The table's filters: pass text, kind, threshold, class or pair of classes from the widgets to the model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject

from s3n_core.datasets.records import displayed_class
from s3n_gui.prediction.accuracy.accuracy_panel import AccuracyPanel
from s3n_gui.prediction.row_views import RowViews
from s3n_gui.prediction.table.filter_bar import FilterBar
from s3n_gui.prediction.table.row_order import RowFilter
from s3n_gui.prediction.table.table_model import PredictionModel
from s3n_gui.state.atlas_parts import AtlasParts


class TableFilters(QObject):
    """Connects the filter bar above the table and the cards below it with the model."""

    def __init__(
        self,
        model: PredictionModel,
        views: RowViews,
        bar: FilterBar,
        accuracy_panel: AccuracyPanel,
        parts: AtlasParts,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._parts, self._part = parts, ""
        self._of_model: Path | None = None
        parts.changed.connect(self._show_parts)
        bar.part_chosen.connect(self._on_part)
        self._model, self._views, self._bar, self._accuracy_panel = model, views, bar, accuracy_panel
        bar.changed.connect(self.apply)
        bar.pair_cleared.connect(self._clear_pair)
        model.shown_changed.connect(self._show_count)
        views.chosen_changed.connect(self._show_count)
        accuracy_panel.threshold_changed.connect(self._on_threshold)
        accuracy_panel.pair_chosen.connect(self._on_pair)
        accuracy_panel.class_chosen.connect(self._on_class)

    def begin(self) -> None:
        """Reset the filter for another table: keep text and kind, drop the class or pair."""
        self._bar.show_pair("")
        self._accuracy_panel.confusion.choose(None)
        files = self._parts.files_with(self._part) if self._part else None
        text, kind = self._bar.search.text(), self._bar.shown_kind
        self._model.filter = RowFilter(text, kind, self._accuracy_panel.threshold, files=files)

    def show_model(self, model: Path | None) -> None:
        """Offer the parts of the open atlas if it is of this model, which the table's predictions come from."""
        self._of_model = model
        self._show_parts()

    def _show_parts(self) -> None:
        names = self._parts.names(self._of_model)
        if self._part not in names:
            self._part = ""
        self._bar.show_parts(names, self._part)
        self._on_part(self._part)

    def _on_part(self, name: str) -> None:
        self._part = name
        self._set(replace(self._model.filter, files=self._parts.files_with(name) if name else None))

    def apply(self) -> None:
        """Apply the text and the kind of the filter bar."""
        text, kind = self._bar.search.text(), self._bar.shown_kind
        self._set(replace(self._model.filter, text=text, kind=kind, threshold=self._accuracy_panel.threshold))

    @property
    def name(self) -> str:
        """What the shown rows have in common: "Heron → Egret · Mistakes"; empty if all rows are shown."""
        kind = self._bar.kind.currentText() if self._model.filter.kind != "all" else ""
        text = self._model.filter.text.strip()
        words = (self._bar.pair_words, kind, self._part, f"“{text}”" if text else "")
        return " · ".join(part for part in words if part)

    @property
    def pair(self) -> tuple[str, str] | None:
        """The label and the predicted class that the rows are filtered by; None unless it is by both."""
        shown, predictions = self._model.filter, self._model.predictions
        if predictions is None or shown.label is None or shown.predicted is None:
            return None
        return predictions.names[shown.label], predictions.names[shown.predicted]

    def show_row(self, row: int) -> None:
        """Select a row of the table; drop the filter if it hides the row."""
        if self._model.place_of(row) < 0:
            self._bar.search.clear()
            self._bar.show_kind("all")
            self._part = ""
            self._show_parts()
            self._clear_pair()
            self.apply()
        self._views.go_to(row)

    def _show_count(self) -> None:
        self._bar.show_count(
            self._model.rowCount(), 0 if self._model.predictions is None else len(self._model.predictions)
        )
        self._bar.show_actions(not self._model.filter.is_open, len(self._views.chosen_rows()))

    def _on_threshold(self, threshold: float) -> None:
        if self._model.filter.kind == "below":
            self._set(replace(self._model.filter, threshold=threshold))

    def _on_pair(self, label: int, predicted: int) -> None:
        self._bar.show_pair(f"{self._name(label)} → {self._name(predicted)}", confused=label != predicted)
        self._set(replace(self._model.filter, label=label, predicted=predicted))

    def _on_class(self, index: int) -> None:
        known = self._accuracy_panel.judged
        self._bar.show_pair(f"{'Label' if known else 'Class'} {self._name(index)}")
        self._accuracy_panel.confusion.choose(None)
        self._set(replace(self._model.filter, label=index if known else None, predicted=None if known else index))

    def _clear_pair(self) -> None:
        self._bar.show_pair("")
        self._accuracy_panel.confusion.choose(None)
        self._set(replace(self._model.filter, label=None, predicted=None))

    def _name(self, index: int) -> str:
        return displayed_class(self._model.predictions.names[index]) if self._model.predictions is not None else ""

    def _set(self, wanted: RowFilter) -> None:
        if wanted == self._model.filter:
            return  # going to the current row would drop the selection of others
        row = self._views.current_row()
        self._model.set_filter(wanted)
        self._views.go_to(row)
