"""The popup of a pane's options button: colour map, opacity, peaks, grid lines, and the class of a class map."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QCompleter, QFrame, QGridLayout, QLabel, QPushButton, QWidget

from s3n_core.datasets.records import displayed_class
from s3n_gui.appearance.theme import px
from s3n_gui.inspector.panes.pane_model import PaneModel
from s3n_gui.widgets.number_slider import NumberSlider
from s3n_gui.widgets.palette_picker import PalettePicker

ANNOTATIONS_TIP = (
    "Show the data set's box and key points, if it has any; an open diamond marks a peak outside the box. The network "
    "never learns from them"
)


class PaneOptions(QFrame):
    """The display options of one pane.

    Signals:
        apply_to_all_requested: Apply the pane's colours to all panes.
    """

    apply_to_all_requested = Signal()

    def __init__(self, model: PaneModel, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._model = model
        self._names: tuple[str, ...] = ()
        self.setObjectName("popup")
        self.setProperty("role", "card")
        self.palette_picker = PalettePicker()
        self.opacity = NumberSlider(
            "Opacity of the map", 0, 100, 1, tip="How much the map covers the image, in percent"
        )
        self.peaks = QCheckBox("Peaks")
        self.peaks.setToolTip("Show the peaks: discs are enlarged in D (T_d), rings in C (T_c)")
        self.grid = QCheckBox("Grid lines")
        self.grid.setToolTip("Show the sampling grid (f, g): where lines are close together, the image is enlarged")
        self.annotations = QCheckBox("Boxes and key points")
        self.annotations.setToolTip(ANNOTATIONS_TIP)
        self.classes = QComboBox()
        self.classes.setEditable(True)
        self.classes.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.classes.setAccessibleName("Class of the map")
        self.classes.setToolTip("Class whose map (M) this pane shows; type to search")
        completer = self.classes.completer()
        if completer is not None:
            completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
            completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self.everywhere = QPushButton("Use these colours in all panes")
        self.everywhere.setProperty("role", "link")
        self.everywhere.setToolTip("Use this colour map and opacity in all panes")
        layout = QGridLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setHorizontalSpacing(12)
        layout.setVerticalSpacing(8)
        self._class_label = QLabel("Class")
        for row, (label, widget) in enumerate(
            (
                (self._class_label, self.classes),
                (QLabel("Palette"), self.palette_picker),
                (QLabel("Opacity, %"), self.opacity),
            )
        ):
            label.setBuddy(widget)
            layout.addWidget(label, row, 0)
            layout.addWidget(widget, row, 1)
        layout.addWidget(QLabel("Show"), 3, 0)
        layout.addWidget(self.peaks, 3, 1)
        layout.addWidget(self.grid, 4, 1)
        layout.addWidget(self.annotations, 5, 1)
        layout.addWidget(self.everywhere, 6, 0, 1, 2)
        self.setMinimumWidth(px(300))
        self.palette_picker.palette_chosen.connect(self._on_palette)
        self.opacity.value_changed.connect(self._on_opacity)
        self.peaks.toggled.connect(self._on_peaks)
        self.grid.toggled.connect(self._on_grid)
        self.annotations.toggled.connect(self._on_annotations)
        self.classes.activated.connect(self._on_class)
        self.everywhere.clicked.connect(self.apply_to_all_requested)
        model.changed.connect(self.synchronize)
        self.synchronize()

    def set_classes(self, names: tuple[str, ...], shown: str) -> None:
        """Offer the classes of a model; ``shown`` is the one that the pane shows, which the model may lack."""
        self._names = names
        with QSignalBlocker(self.classes):
            titles = [displayed_class(name) for name in names]
            if [self.classes.itemText(i) for i in range(self.classes.count())] != titles:
                self.classes.clear()
                self.classes.addItems(titles)
            self.classes.setCurrentIndex(names.index(shown) if shown in names else -1)

    def synchronize(self) -> None:
        """Show the model's values."""
        model = self._model
        with QSignalBlocker(self.peaks), QSignalBlocker(self.grid), QSignalBlocker(self.annotations):
            self.annotations.setChecked(model.annotations)
            self.peaks.setChecked(model.peaks)
            self.grid.setChecked(model.grid)
        self.palette_picker.set_palette_name(model.palette)
        self.opacity.set_value(round(100 * model.opacity))
        of_class = model.kind == "class_map"
        self.classes.setVisible(of_class)
        self._class_label.setVisible(of_class)
        has_map = model.kind not in ("peaks", "image_d", "image_c")
        for widget in (self.palette_picker, self.opacity, self.everywhere):
            widget.setEnabled(has_map)
        if model.kind == "contributions":  # their colours show the sign
            self.palette_picker.setEnabled(False)

    def _on_palette(self, name: str) -> None:
        self._model.update(palette=name)

    def _on_opacity(self, percent: float) -> None:
        self._model.update(opacity=percent / 100)

    def _on_peaks(self, shown: bool) -> None:
        self._model.update(peaks=shown)

    def _on_grid(self, shown: bool) -> None:
        self._model.update(grid=shown)

    def _on_annotations(self, shown: bool) -> None:
        self._model.update(annotations=shown)

    def _on_class(self, index: int) -> None:
        self._model.update(class_name=self._names[index])
