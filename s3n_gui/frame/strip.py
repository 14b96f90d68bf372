"""The line at the top of every page: the search field of the command palette, the current data set and model."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QSizePolicy, QWidget

from s3n_core.datasets.records import DataSet
from s3n_core.datasets.skipped_files import skipped_sentence
from s3n_gui.appearance.theme import px, set_icon, theme
from s3n_gui.appearance.tokens import INSIDE_GROUP, PAGE_MARGIN, SPACE
from s3n_gui.appearance.wording import count_text, label_text, place_text, tip_text
from s3n_gui.state.model_choices import ModelChoices
from s3n_gui.state.opening import Opener, data_set_detail, data_set_title, model_title
from s3n_gui.state.recent import Kind, RecentList
from s3n_gui.state.session import Session
from s3n_gui.widgets.elided_button import ElidedButton
from s3n_gui.widgets.model_menu import ModelMenu


class Strip(QFrame):
    """The button that opens the command palette, and menus for the data set and the model.

    Signals:
        open_asked: "data": choose another one.
        palette_asked: Open the command palette.
    """

    open_asked = Signal(str)
    palette_asked = Signal()

    def __init__(
        self,
        session: Session,
        recent: RecentList,
        opener: Opener,
        models: ModelChoices,
        parent: QWidget | None = None,
    ) -> None:
        """Create the line.

        Args:
            session: The current data set and model.
            recent: Recently opened items, for the menus.
            opener: Opens the items chosen in the menus.
            models: The models to choose from.
            parent: The widget that owns the line.
        """
        super().__init__(parent)
        self.setObjectName("strip")
        self._session, self._recent, self._opener, self._models = session, recent, opener, models
        keys = QKeySequence("Ctrl+P").toString(QKeySequence.SequenceFormat.NativeText)
        self._texts = [(f"Search or run a command    {keys}", "", ""), ("Search", "", "")]
        """Texts of the three buttons, from the longest to the shortest."""
        self.search_button = ElidedButton(self._texts[0][0])
        self.search_button.setProperty("role", "search")
        self.search_button.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.search_button.setToolTip(f"Find actions, images, runs and classes ({keys})")
        self.search_button.setAccessibleName("Search or run a command")
        set_icon(self.search_button, "search")
        self.search_button.clicked.connect(self.palette_asked)
        self.data_button = self._chooser("data", "folder")
        self.model_button = self._chooser("model", "model")
        row = QHBoxLayout(self)
        row.setContentsMargins(PAGE_MARGIN, 0, PAGE_MARGIN - 4, 0)
        row.setSpacing(SPACE)
        row.addWidget(self.search_button)
        row.addStretch(1)
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

    def _chooser(self, kind: Kind, icon: str) -> ElidedButton:
        button = ElidedButton(name=True)
        button.setProperty("role", "chooser")
        set_icon(button, icon)
        if kind == "data":
            menu = QMenu(button)
            menu.setToolTipsVisible(True)
            menu.aboutToShow.connect(self._fill_data_menu)
            menu.triggered.connect(self._on_data_chosen)
            button.setMenu(menu)
        else:
            models = ModelMenu(self._models, button)
            models.chosen.connect(self._models.use)
            button.setMenu(models)
        return button

    def _draw(self) -> None:
        data_set, model = self._session.data_set, self._session.model
        if self._busy:
            data_text = "Reading the folder…"
        elif data_set is None:
            data_text = "No data set"
        else:
            data_text = f"{data_set_title(data_set.root)} · {data_set_detail(data_set)}"
        self.data_button.setToolTip(tip_text(_data_tip(data_set)))
        self.data_button.setAccessibleName(f"Data set: {data_text}")
        model_text = "No model" if model is None else f"Model: {model_title(model)}"
        search = self._texts[0][0]
        short_data = data_text if data_set is None or self._busy else data_set_title(data_set.root)
        short_model = model_text if model is None else model_title(model)
        self._texts = [
            (search, data_text, model_text),
            ("Search", data_text, model_text),
            ("Search", short_data, model_text),
            ("Search", short_data, short_model),
        ]
        self._show_texts()
        tip = "Choose a model" if model is None else f"{model}\nClick to choose another one"
        self.model_button.setToolTip(tip_text(tip))
        self.model_button.setAccessibleName(model_text)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Choose the texts that fit."""
        super().resizeEvent(event)
        self._show_texts()

    def _show_texts(self) -> None:
        buttons = (self.search_button, self.data_button, self.model_button)
        for texts in self._texts:
            for button, text in zip(buttons, texts, strict=True):
                button.setText(label_text(text))
            needed = sum(button.sizeHint().width() for button in buttons) + 2 * PAGE_MARGIN + 2 * SPACE + INSIDE_GROUP
            if needed <= self.width():
                return

    def _on_busy(self, busy: bool) -> None:
        self._busy = busy
        self._draw()

    def _fill_data_menu(self) -> None:
        menu = self.data_button.menu()
        menu.clear()
        current = self._session.data_set.root if self._session.data_set is not None else None
        for item in self._recent.items("data")[:8]:
            if item.exists:
                action = menu.addAction(label_text(f"{data_set_title(item.path)}\t{item.detail}".strip()))
                action.setToolTip(tip_text(place_text(item.path)))
                action.setCheckable(True)
                action.setChecked(item.path == current)
                action.setData(str(item.path))
        menu.addSeparator()
        menu.addAction("Open data set…").setData("")

    def _on_data_chosen(self, action: QAction) -> None:
        if place := str(action.data()):
            self._opener.open_path(Path(place))
        else:
            self.open_asked.emit("data")

    def _fit(self) -> None:
        self.setFixedHeight(px(44))
        self._show_texts()


def _data_tip(data_set: DataSet | None) -> str:
    if data_set is None:
        return "Choose a folder of images sorted by class"
    problems = f"\n{count_text(len(data_set.problems), 'problem')} found" if data_set.problems else ""
    skipped = skipped_sentence(data_set.skipped, companions=False)
    problems += f"\n{skipped}" if skipped else ""
    return f"{data_set.root}\nDetected as {data_set.title or data_set.format}{problems}\nClick to choose another one"
