"""The form of a new training run: recipe, name, main settings, all others collapsed, and the start button."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from s3n_core.method.backbone_sizes import size_of, tokens_sentence
from s3n_core.method.weight_licences import WeightLicence
from s3n_gui.appearance.theme import px, set_icon, theme
from s3n_gui.appearance.tokens import INSIDE_GROUP, PAGE_MARGIN, SPACE
from s3n_gui.appearance.wording import count_text, tip_text
from s3n_gui.background.incremental import IncrementalWork
from s3n_gui.training.recipe.recipe_choice import RecipeChoice
from s3n_gui.training.recipe.recipe_fields import RecipeField
from s3n_gui.training.recipe.setting_row import SettingRow


class RecipeForm(QWidget):
    """Edits a ``RecipeChoice``.

    Signals:
        start_asked: "Start training" was clicked.
        changed: The recipe or a setting has changed.
        recipe_changed: Another recipe was chosen and the settings were reset; ``changed`` follows.
        validation_edited: The user has changed the validation share or the split seed; both values.
        data_asked: Open a data set.
        live_asked: Show the run that is training.
        backbones_asked: Show the list of backbones; the current one and the side of the input, in pixels.
        shown: The form has become visible.
    """

    start_asked = Signal()
    changed = Signal()
    recipe_changed = Signal()
    validation_edited = Signal(float, int)
    data_asked = Signal()
    live_asked = Signal()
    backbones_asked = Signal(str, int)
    shown = Signal()

    def __init__(self, choice: RecipeChoice, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.choice = choice
        self.rows: dict[str, SettingRow] = {}
        self._incremental = IncrementalWork(self)
        self.recipe_box = QComboBox(self)
        self.recipe_box.addItems(list(choice.names))
        self.recipe_box.setAccessibleName("Recipe")
        self.recipe_box.setToolTip(
            "Preset settings: quick for a small data set, paper for exactly section 4 of the paper"
        )
        self.recipe_box.setCurrentText(choice.recipe.name)
        self.recipe_box.currentTextChanged.connect(self._on_recipe)
        self.about = QLabel(self)
        self.about.setProperty("role", "caption")
        self.about.setWordWrap(True)
        self.name = QLineEdit(self)
        self.name.setAccessibleName("Name of the run")
        self.name.setToolTip("Name of the new run and of its folder")
        self.data = QPushButton("Open data set…", self)
        self.data.setToolTip("Choose the training images")
        set_icon(self.data, "open")
        self.data.clicked.connect(self.data_asked)
        self.live = QPushButton("Show it", self)
        self.live.setToolTip("Show the current training")
        set_icon(self.live, "eye")
        self.live.clicked.connect(self.live_asked)
        self.fold = QToolButton(self)
        self.fold.setCheckable(True)
        self.fold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.fold.setToolTip("Show or hide all other settings of the recipe")
        self.fold.toggled.connect(self._show_advanced)
        self.accuracy = QLabel(self)
        self.accuracy.setProperty("state", "caution")
        self.accuracy.setWordWrap(True)
        self.accuracy.setToolTip("Peaks and maps cannot be finer than a cell of the network's features")
        self.problem = QLabel(self)
        self.problem.setTextFormat(Qt.TextFormat.PlainText)
        self.problem.setProperty("state", "caution")
        self.problem.setWordWrap(True)
        self.skipped = QLabel(self)
        self.skipped.setTextFormat(Qt.TextFormat.PlainText)
        self.skipped.setProperty("role", "caption")
        self.skipped.setWordWrap(True)
        self.skipped.hide()
        self.note = QLabel(self)
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.note.setProperty("role", "caption")
        self.note.setWordWrap(True)
        self.note.setAccessibleName("Notes on this training")
        self.note.hide()
        self.time = QLabel(self)
        self.time.setTextFormat(Qt.TextFormat.PlainText)
        self.time.setProperty("role", "caption")
        self.time.setWordWrap(True)
        self.time.setAccessibleName("Estimated time")
        self.time.setToolTip("From the speed of the newest run with the same backbone, sizes, branches and device")
        self.time.hide()
        self.start = QPushButton("Start training", self)
        self.start.setProperty("role", "primary")
        set_icon(self.start, "play")
        self.start.setToolTip("Train a new model on the open data set (Ctrl+Return)")
        self.start.clicked.connect(self.start_asked)
        self._inside = QWidget(self)
        self.backbones = QPushButton("Backbones and weights…", self._inside)
        self.backbones.setProperty("role", "link")
        self.backbones.setToolTip("Search all backbones, and see where their pretrained weights are")
        self.backbones.clicked.connect(self._on_backbones)
        self.licence = QLabel(self._inside)
        self.licence.setTextFormat(Qt.TextFormat.PlainText)
        self.licence.setProperty("role", "caption")
        self.licence.setWordWrap(True)
        self.licence.setAccessibleName("Licence of the weights")
        self.cells = QLabel(self._inside)
        self.cells.setTextFormat(Qt.TextFormat.PlainText)
        self.cells.setProperty("role", "caption")
        self.cells.setWordWrap(True)
        self.cells.setAccessibleName("Cells of the backbone")
        self._advanced = QWidget(self._inside)
        self._group = ""
        self._build()
        theme().changed.connect(self._fit)
        self._fit()
        self._show_choice()
        self._show_advanced(False)
        self.show_problem("", data_missing=False, live=False)

    def show_problem(self, sentence: str, *, data_missing: bool, live: bool) -> None:
        """Show why training cannot start; an empty sentence enables the start button.

        Args:
            sentence: The reason.
            data_missing: Whether to offer a button that opens a data set.
            live: Whether another run is training.
        """
        self.problem.setText(sentence)
        self.problem.setVisible(bool(sentence))
        self.note.setVisible(bool(self.note.text()) and not sentence)
        self.data.setVisible(data_missing)
        self.live.setVisible(live)
        self.start.setEnabled(not sentence)

    def show_skipped(self, sentence: str) -> None:
        """Show which files of the data set are not among its images; empty if there is nothing to say."""
        self.skipped.setText(sentence)
        self.skipped.setVisible(bool(sentence))

    def show_notes(self, sentences: Sequence[str]) -> None:
        """Say what should be known of the training before it starts."""
        self.note.setText(sentences[0] if sentences else "")  # one at a time: the form needs the room
        self.note.setToolTip(tip_text("\n\n".join(sentences)))
        self.note.setVisible(bool(sentences) and not self.problem.text())

    def show_licence(self, licence: WeightLicence | None, sentence: str, *, is_here: bool = True) -> None:
        """Show the licence of the chosen initial weights.

        Args:
            licence: The licence; None if they are random, or as long as it is not known.
            sentence: What must be known of it.
            is_here: Whether the weights are on this machine, as far as is known.
        """
        where = "" if is_here else ", to be downloaded"
        self.licence.setText("" if licence is None else f"Licence of weights: {licence.short}{where}")
        self.licence.setToolTip(tip_text(sentence))
        self.licence.setProperty("state", "caution" if licence is not None and licence.non_commercial else "")
        self.licence.style().unpolish(self.licence)
        self.licence.style().polish(self.licence)

    def show_time(self, sentence: str) -> None:
        """Say how long the training will take; empty while that is not to be said."""
        self.time.setText(sentence)
        self.time.setVisible(bool(sentence))

    def propose_name(self, name: str) -> None:
        """Fill in a name, unless the user has entered one."""
        if not self.name.isModified():
            self.name.setText(name)

    def take(self, settings: Mapping[str, object]) -> None:
        """Apply settings that were chosen elsewhere."""
        for name, value in settings.items():
            self.choice.put(name, value)
            if name in self.rows:
                self._show_row(name)
        self._count()
        self.changed.emit()

    def commit(self) -> None:
        """Take over what is typed in a field that was not left yet: a key of the window does not leave it."""
        for row in self.rows.values():
            row.commit()

    def restore(self, recipe: str, settings: Mapping[str, object]) -> None:
        """Choose a recipe and change some of its settings, as kept earlier; what is no longer allowed is dropped."""
        if recipe not in self.choice.names:
            return
        self.choice.restore(recipe, settings)
        self._show_choice()
        self.changed.emit()

    def finish(self) -> None:
        """Build everything that is still missing."""
        self._incremental.finish()

    @property
    def is_whole(self) -> bool:
        """Whether all settings have their rows."""
        return self._incremental.is_idle

    def _build(self) -> None:
        first, others = QVBoxLayout(), QVBoxLayout(self._advanced)
        others.setContentsMargins(0, 0, 0, 0)
        for column in (first, others):
            column.setSpacing(SPACE)
        # Fifty controls take a while to create.
        for field in self.choice.fields:
            add = partial(self._add_row, field, self._inside, first)
            self._incremental.add(add if field.first else partial(self._add_folded, field, others))
        inside = self._inside
        inside.setObjectName("cardInside")
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, SPACE, 0)
        column.setSpacing(INSIDE_GROUP)
        column.addLayout(first)
        column.addWidget(self.fold)
        column.addWidget(self._advanced)
        column.addStretch(1)
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # it scrolls to the focused control instead
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        scroll.viewport().setAutoFillBackground(False)
        inside.setAutoFillBackground(False)
        self._scroll = scroll
        whole = QVBoxLayout(self)
        whole.setContentsMargins(PAGE_MARGIN - 4, 12, PAGE_MARGIN - 4, 12)
        whole.setSpacing(INSIDE_GROUP)
        for title_text, widget in (("Recipe", self.recipe_box), ("Run", self.name)):
            row_layout = QHBoxLayout()
            label = QLabel(title_text)
            label.setBuddy(widget)
            label.setObjectName("formLabel")
            row_layout.addWidget(label)
            row_layout.addWidget(widget, 1)
            whole.addLayout(row_layout)
            if widget is self.recipe_box:
                whole.addWidget(self.about)
        line = QFrame()
        line.setProperty("role", "line")
        whole.addWidget(line)
        whole.addWidget(scroll, 1)
        whole.addWidget(self.skipped)
        whole.addWidget(self.note)
        whole.addWidget(self.accuracy)
        whole.addWidget(self.problem)
        whole.addWidget(self.data)
        whole.addWidget(self.live)
        whole.addWidget(self.time)
        whole.addWidget(self.start)

    def _add_folded(self, field: RecipeField, column: QVBoxLayout) -> None:
        if field.group != self._group:
            self._group = field.group
            title = QLabel(field.group, self._advanced)
            title.setProperty("role", "caption")
            title.setContentsMargins(0, INSIDE_GROUP, 0, 0)
            column.addWidget(title)
        self._add_row(field, self._advanced, column)

    def _add_row(self, field: RecipeField, parent: QWidget, column: QVBoxLayout) -> None:
        row = SettingRow(field, parent)
        row.edited.connect(self._on_edited)
        row.refused.connect(self._on_refused)
        row.reset_asked.connect(self._on_reset)
        self.rows[field.name] = row
        column.addWidget(row)
        if field.name == "network.backbone":
            column.addWidget(self.licence)
            column.addWidget(self.cells)
            column.addWidget(self.backbones, 0, Qt.AlignmentFlag.AlignLeft)
        self._show_row(field.name)

    def _on_backbones(self) -> None:
        value = self.choice.value
        self.backbones_asked.emit(str(value("network.backbone")), int(value("network.input_size")))

    def _on_recipe(self, name: str) -> None:
        self.choice.choose(name)
        self._show_choice()
        self.recipe_changed.emit()
        self.changed.emit()

    def _on_edited(self, name: str, value: object) -> None:
        self.choice.put(name, value)
        self._mark(name)
        self._count()
        self._tell_validation(name)
        self.changed.emit()

    def _on_refused(self, name: str, sentence: str) -> None:
        self.choice.refuse(name, sentence)
        self._mark(name)
        self._count()
        self.changed.emit()

    def _tell_validation(self, name: str) -> None:
        if name in ("validation", "split_seed") and not self.choice.problem:
            self.validation_edited.emit(float(self.choice.value("validation")), int(self.choice.value("split_seed")))

    def _on_reset(self, name: str) -> None:
        self.choice.reset(name)
        self._show_row(name)
        self._count()
        self._tell_validation(name)
        self.changed.emit()

    def _show_choice(self) -> None:
        with QSignalBlocker(self.recipe_box):
            self.recipe_box.setCurrentText(self.choice.recipe.name)
        self.about.setText(self.choice.recipe.about)
        for name in self.rows:
            self._show_row(name)
        self._count()

    def _show_row(self, name: str) -> None:
        row = self.rows[name]
        row.show_value(self.choice.value(name), self.choice.text(name))
        row.show_source(self.choice.source(name))
        self._mark(name)

    def _mark(self, name: str) -> None:
        self.rows[name].show_changed(self.choice.is_changed(name))

    def _count(self) -> None:
        accuracy = self.choice.place_accuracy
        coarse = accuracy is not None and accuracy.is_coarse
        self.accuracy.setText(f"{accuracy.text} {accuracy.warning}" if accuracy is not None and coarse else "")
        self.accuracy.setVisible(coarse)
        backbone = str(self.choice.value("network.backbone"))
        size = size_of(backbone)
        self.cells.setText(tokens_sentence(backbone) if size is not None and size.tokens else "")
        self.cells.setVisible(bool(self.cells.text()))
        others = [field.name for field in self.choice.fields if not field.first]
        changed = sum(self.choice.is_changed(name) for name in others)
        text = f"Advanced: {count_text(len(others), 'setting')}"
        self.fold.setText(f"{text}, {changed} changed" if changed else text)

    def _show_advanced(self, on: bool) -> None:
        if on:
            self.finish()
        self._advanced.setVisible(on)
        set_icon(self.fold, "chevron-down" if on else "chevron-right")

    def minimumSizeHint(self) -> QSize:
        """Return a size at which the sentences above and below the fields are whole."""
        size, layout = super().minimumSizeHint(), self.layout()
        if layout is not None and layout.hasHeightForWidth():
            needed = layout.totalMinimumHeightForWidth(max(self.width(), size.width()))
            size.setHeight(max(size.height(), needed))
        return size

    def showEvent(self, event: QShowEvent) -> None:
        """Tell that the form is visible."""
        super().showEvent(event)
        self.shown.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The sentences need another height at another width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()

    def _fit(self) -> None:
        for label in self.findChildren(QLabel, "formLabel"):
            label.setMinimumWidth(px(52))
