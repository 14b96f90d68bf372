"""The form of a new training: recipe, name, the settings that matter first, all others folded away, and the start."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
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

from s3n_gui.theme import px, set_icon, theme, tokens
from s3n_gui.tokens import INSIDE_GROUP, PAGE_MARGIN, SPACE
from s3n_gui.training.recipe_choice import RecipeChoice
from s3n_gui.training.setting_row import SettingRow
from s3n_gui.wording import count_text


class RecipeForm(QWidget):
    """Edits a ``RecipeChoice``.

    Signals:
        start_asked: "Start training" was pressed.
        changed: Recipe or a setting is another.
        data_asked: Somebody wants to open a data set.
    """

    start_asked = Signal()
    changed = Signal()
    data_asked = Signal()

    def __init__(self, choice: RecipeChoice, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.choice = choice
        self.rows: dict[str, SettingRow] = {}
        self.recipe_box = QComboBox()
        self.recipe_box.addItems(list(choice.names))
        self.recipe_box.setAccessibleName("Recipe")
        self.recipe_box.setToolTip(
            "Named settings of a training: quick for a small data set, paper for section 4 to the letter"
        )
        self.recipe_box.setCurrentText(choice.recipe.name)
        self.recipe_box.currentTextChanged.connect(self._on_recipe)
        self.about = QLabel()
        self.about.setProperty("role", "caption")
        self.about.setWordWrap(True)
        self.name = QLineEdit()
        self.name.setAccessibleName("Name of the run")
        self.name.setToolTip("What the new run is called: the name of its folder")
        self.data = QPushButton("Open data set…")
        self.data.setToolTip("Choose the images to learn from")
        set_icon(self.data, "open")
        self.data.clicked.connect(self.data_asked)
        self.fold = QToolButton()
        self.fold.setCheckable(True)
        self.fold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.fold.setToolTip("Show or hide all other settings of the recipe")
        self.fold.toggled.connect(self._show_advanced)
        self.problem = QLabel()
        self.problem.setProperty("state", "caution")
        self.problem.setWordWrap(True)
        self.start = QPushButton("Start training")
        self.start.setProperty("role", "primary")
        self.start.setToolTip("Train a new model on the open data set (Ctrl+Return)")
        self.start.clicked.connect(self.start_asked)
        self._advanced = QWidget()
        self._build()
        theme().changed.connect(self._fit)
        self._fit()
        self._show_choice()
        self._show_advanced(False)
        self.show_problem("", data_missing=False)

    def show_problem(self, sentence: str, *, data_missing: bool) -> None:
        """Say why nothing can be started; an empty sentence lets it be started.

        Args:
            sentence: The reason.
            data_missing: Whether a button to open a data set helps.
        """
        self.problem.setText(sentence)
        self.problem.setVisible(bool(sentence))
        self.data.setVisible(data_missing)
        self.start.setEnabled(not sentence)

    def propose_name(self, name: str) -> None:
        """Fill in a name, unless somebody has written one."""
        if not self.name.isModified():
            self.name.setText(name)

    def _build(self) -> None:
        first, others = QVBoxLayout(), QVBoxLayout(self._advanced)
        others.setContentsMargins(0, 0, 0, 0)
        for column in (first, others):
            column.setSpacing(SPACE)
        group = ""
        for field in self.choice.fields:
            row = SettingRow(field)
            row.edited.connect(self._on_edited)
            row.reset_asked.connect(self._on_reset)
            self.rows[field.name] = row
            if not field.first and field.group != group:
                group = field.group
                title = QLabel(group)
                title.setProperty("role", "caption")
                title.setContentsMargins(0, INSIDE_GROUP, 0, 0)
                others.addWidget(title)
            (first if field.first else others).addWidget(row)
        inside = QWidget()
        inside.setObjectName("cardInside")
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, INSIDE_GROUP, 0)
        column.setSpacing(INSIDE_GROUP)
        column.addLayout(first)
        column.addWidget(self.fold)
        column.addWidget(self._advanced)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # It scrolls to what has the focus.
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
        whole.addWidget(self.problem)
        whole.addWidget(self.data)
        whole.addWidget(self.start)

    def _on_recipe(self, name: str) -> None:
        self.choice.choose(name)
        self._show_choice()
        self.changed.emit()

    def _on_edited(self, name: str, value: object) -> None:
        self.choice.put(name, value)
        self._mark(name)
        self._count()
        self.changed.emit()

    def _on_reset(self, name: str) -> None:
        self.choice.reset(name)
        self._show_row(name)
        self._count()
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
        others = [field.name for field in self.choice.fields if not field.first]
        changed = sum(self.choice.is_changed(name) for name in others)
        text = f"Advanced: {count_text(len(others), 'setting')}"
        self.fold.setText(f"{text}, {changed} changed" if changed else text)

    def _show_advanced(self, on: bool) -> None:
        self._advanced.setVisible(on)
        set_icon(self.fold, "chevron-down" if on else "chevron-right")

    def _fit(self) -> None:
        set_icon(self.start, "play", colour=tokens().on_accent)
        for label in self.findChildren(QLabel, "formLabel"):
            label.setMinimumWidth(px(52))
