"""The line at the top of every page: the steps from data to export, the current data set and the current model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QPushButton, QWidget

from s3n_core.datasets.records import DataSet
from s3n_core.datasets.skipped_files import skipped_sentence
from s3n_gui.appearance.theme import px, set_icon, theme
from s3n_gui.appearance.tokens import INSIDE_GROUP, PAGE_MARGIN, SPACE
from s3n_gui.appearance.wording import place_text
from s3n_gui.state.opening import Opener, data_set_detail, data_set_title, model_title
from s3n_gui.state.recent import Kind, RecentList
from s3n_gui.state.session import Session

STEPS = ("data", "train", "inspect", "export")
"""The steps of the workflow, by the names of their pages."""


class Strip(QFrame):
    """The steps of the workflow, and menus for the data set and the model.

    Signals:
        page_chosen: The name of the step that was pressed.
        open_asked: "data" or "model": choose another one.
    """

    page_chosen = Signal(str)
    open_asked = Signal(str)

    def __init__(
        self,
        steps: Sequence[tuple[str, str]],
        session: Session,
        recent: RecentList,
        opener: Opener,
        parent: QWidget | None = None,
    ) -> None:
        """Create the line.

        Args:
            steps: Name and title of each page of the workflow.
            session: The current data set and model.
            recent: Recently opened items, for the menus.
            opener: Opens the items chosen in the menus.
            parent: The widget that owns the line.
        """
        super().__init__(parent)
        self.setObjectName("strip")
        self._session, self._recent, self._opener = session, recent, opener
        row = QHBoxLayout(self)
        row.setContentsMargins(PAGE_MARGIN - 6, 0, PAGE_MARGIN - 4, 0)
        row.setSpacing(SPACE)
        self._steps: dict[str, QPushButton] = {}
        for index, (name, word) in enumerate(steps):
            if index:
                arrow = QLabel()
                set_icon(arrow, "chevron-right")
                row.addWidget(arrow)
            button = _Step(name, word)
            button.chosen.connect(self.page_chosen)
            self._steps[name] = button
            row.addWidget(button)
        row.addStretch(1)
        self.data_button = self._chooser("data", "folder")
        self.model_button = self._chooser("model", "model")
        row.addWidget(self.data_button)
        row.addSpacing(INSIDE_GROUP)
        row.addWidget(self.model_button)
        session.data_set_changed.connect(self._draw)
        session.model_changed.connect(self._draw)
        opener.busy_changed.connect(self._on_busy)
        theme().changed.connect(self._fit)
        self._busy = False
        self._fit()
        self._draw()

    def show_current(self, name: str) -> None:
        """Mark the step of the visible page."""
        for step, button in self._steps.items():
            button.setChecked(step == name)

    def _chooser(self, kind: Kind, icon: str) -> QPushButton:
        button = QPushButton()
        button.setProperty("role", "chooser")
        set_icon(button, icon)
        menu = QMenu(button)
        menu.aboutToShow.connect(self._fill_data_menu if kind == "data" else self._fill_model_menu)
        menu.triggered.connect(self._on_data_chosen if kind == "data" else self._on_model_chosen)
        button.setMenu(menu)
        return button

    def _draw(self) -> None:
        data_set, model = self._session.data_set, self._session.model
        if self._busy:
            data_text = "Reading the folder…"
        elif data_set is None:
            data_text = "No data set"
        else:
            data_text = f"{data_set_title(data_set.root)} · {data_set_detail(data_set)}"
        self.data_button.setText(data_text)
        self.data_button.setToolTip(_data_tip(data_set))
        self.data_button.setAccessibleName(f"Data set: {data_text}")
        model_text = "No model" if model is None else f"Model: {model_title(model)}"
        self.model_button.setText(model_text)
        self.model_button.setToolTip("Choose a model" if model is None else f"{model}\nClick to choose another one")
        self.model_button.setAccessibleName(model_text)

    def _on_busy(self, busy: bool) -> None:
        self._busy = busy
        self._draw()

    def _fill_data_menu(self) -> None:
        self._fill_menu(self.data_button.menu(), "data")

    def _fill_model_menu(self) -> None:
        self._fill_menu(self.model_button.menu(), "model")

    def _fill_menu(self, menu: QMenu, kind: Kind) -> None:
        menu.clear()
        current = self._current(kind)
        kinds: tuple[Kind, ...] = ("data",) if kind == "data" else ("model", "run")
        items = sorted((i for k in kinds for i in self._recent.items(k)), key=lambda item: -item.opened)[:8]
        for item in items:
            if item.exists:
                title = item.path.name if kind == "data" else model_title(item.path)
                action = menu.addAction(f"{title}    {item.detail}".strip())
                action.setToolTip(place_text(item.path))
                action.setCheckable(True)
                action.setChecked(item.path == current)
                action.setData(str(item.path))
        menu.addSeparator()
        menu.addAction("Open data set…" if kind == "data" else "Open model…").setData("")

    def _current(self, kind: Kind) -> Path | None:
        if kind == "data":
            return self._session.data_set.root if self._session.data_set is not None else None
        return self._session.model

    def _on_data_chosen(self, action: QAction) -> None:
        self._on_chosen("data", str(action.data()))

    def _on_model_chosen(self, action: QAction) -> None:
        self._on_chosen("model", str(action.data()))

    def _on_chosen(self, kind: str, place: str) -> None:
        if place:
            self._opener.open_path(Path(place))
        else:
            self.open_asked.emit(kind)

    def _fit(self) -> None:
        self.setFixedHeight(px(44))


class _Step(QPushButton):
    """The button of a step; ``chosen`` carries the name of its page."""

    chosen = Signal(str)

    def __init__(self, name: str, word: str) -> None:
        super().__init__(word)
        self._name = name
        self.setProperty("role", "step")
        self.setCheckable(True)
        self.clicked.connect(self._on_clicked)

    def _on_clicked(self) -> None:
        self.chosen.emit(self._name)


def _data_tip(data_set: DataSet | None) -> str:
    if data_set is None:
        return "Choose a folder of images sorted by class"
    problems = f"\n{len(data_set.problems)} problems found" if data_set.problems else ""
    skipped = skipped_sentence(data_set.skipped, companions=False)
    problems += f"\n{skipped}" if skipped else ""
    return f"{data_set.root}\nDetected as {data_set.title or data_set.format}{problems}\nClick to choose another one"
