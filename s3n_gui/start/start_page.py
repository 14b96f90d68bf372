"""The Start page: open or reopen something, watch running trainings, try the demo."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from s3n_core.datasets.validation_images import other_validation
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.runs.run_summary import RunSummary
from s3n_gui.appearance.theme import px, theme
from s3n_gui.appearance.tokens import PAGE_MARGIN
from s3n_gui.appearance.wording import ago_text, count_text, place_text
from s3n_gui.start.demo_card import DemoCard
from s3n_gui.start.recent_card import RecentCard, Row
from s3n_gui.start.training_card import TrainingCard
from s3n_gui.state.clock import clock
from s3n_gui.state.demo import demo_images, demo_is_installed, demo_model, demo_run
from s3n_gui.state.live_runs import LiveRuns
from s3n_gui.state.opening import Opener, data_set_detail, model_title
from s3n_gui.state.recent import RecentItem, RecentList
from s3n_gui.state.run_text import run_detail
from s3n_gui.state.runs_watch import RunsSeen
from s3n_gui.state.session import Session
from s3n_gui.widgets.drop_zone import DropZone
from s3n_gui.widgets.page import Page

_MOST_RUNS = 30


class StartPage(Page):
    """The Start page."""

    def __init__(
        self,
        session: Session,
        recent: RecentList,
        opener: Opener,
        trainings: LiveRuns,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._recent, self._trainings = session, recent, trainings
        self._shows_demo = False
        self._cards: dict[Path, TrainingCard] = {}
        self.drop_zone = DropZone()
        self.drop_zone.open_asked.connect(session.ask_to_open)
        self.data_card = RecentCard("Data sets", "Recent data sets appear here.")
        self.run_card = RecentCard("Runs", "Your training runs appear here.")
        self.model_card = RecentCard("Models", "Recent model files appear here.")
        top = QHBoxLayout()
        top.setSpacing(PAGE_MARGIN)
        top.addWidget(self.drop_zone, 3)
        self.demo_card: DemoCard | None = None
        if demo_is_installed():
            self.demo_card = DemoCard()
            self.demo_card.demo_asked.connect(session.ask_for_demo)
            top.addWidget(self.demo_card, 2)
        self._live = QVBoxLayout()
        self._live.setSpacing(PAGE_MARGIN)
        lists = QHBoxLayout()
        lists.setSpacing(PAGE_MARGIN)
        for card in (self.data_card, self.run_card, self.model_card):
            lists.addWidget(card, 1)
            card.chosen.connect(opener.open_path)
        self.data_card.remove_asked.connect(self._forget_data)
        self.model_card.remove_asked.connect(self._forget_model)
        self._inside = QWidget()
        column = QVBoxLayout(self._inside)
        column.setContentsMargins(PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN)
        column.setSpacing(PAGE_MARGIN)
        column.addLayout(top, 1)
        column.addLayout(self._live)
        column.addLayout(lists, 2)
        column.addStretch(0)
        whole = QHBoxLayout(self)  # limits the width of the page on large screens
        whole.setContentsMargins(0, 0, 0, 0)
        area = QScrollArea()  # large text may not fit on a small screen
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(self._inside)
        whole.addWidget(area)
        theme().changed.connect(self._fit)
        self._fit()
        trainings.watch.changed.connect(self._on_runs)
        recent.changed.connect(self._show_recent)
        clock().ticked.connect(self._on_tick)
        self._show_recent()

    def show_demo(self) -> None:
        """Fill the page with the demo: the synthetic birds, the run trained on them, and its model.

        Raises:
            s3n_core.errors.S3NError: The demo is not installed.
        """
        from s3n_core.datasets.detection import open_data_set

        self._shows_demo = True
        images, model = demo_images(), demo_model()
        birds = open_data_set(images)
        run = RunDirectory(demo_run()).summary()
        classes = count_text(len(birds.classes), "class", "classes")
        self.data_card.show_rows([Row(images, "demo birds", data_set_detail(birds), "included", "folder")])
        self._show_runs(RunsSeen((run,), ()))
        self.model_card.show_rows([Row(model, model_title(model), classes, "included", "model")])

    def _fit(self) -> None:
        self._inside.setMaximumWidth(px(1360))
        for card in (self.data_card, self.run_card, self.model_card):
            card.setMaximumHeight(px(460))
            card.setMinimumHeight(px(120))

    def _on_tick(self) -> None:
        if self.isVisible() and not self._shows_demo:
            self._show_recent()

    def showEvent(self, event: QShowEvent) -> None:
        """Show the times of now."""
        super().showEvent(event)
        self._on_tick()

    def _show_recent(self) -> None:
        self.data_card.show_rows([_row(item, item.path.name or str(item.path)) for item in self._recent.items("data")])
        self.model_card.show_rows([_row(item, model_title(item.path)) for item in self._recent.items("model")])
        self._show_runs(self._trainings.watch.seen)

    def _on_runs(self, seen: RunsSeen) -> None:
        if not self._shows_demo:
            self._show_runs(seen)

    def _show_runs(self, seen: RunsSeen) -> None:
        inside = {run.path for run in seen.runs}
        others = other_validation(seen.runs)
        rows = [_run_row(run, other_validation=run.path in others) for run in seen.runs[:_MOST_RUNS] if not run.live]
        rows += [_row(item, item.path.name) for item in self._recent.items("run") if item.path not in inside]
        self.run_card.show_rows(rows)
        losses = dict(seen.losses)
        live = {run.path: run for run in seen.live()}
        for gone in self._cards.keys() - live.keys():
            card = self._cards.pop(gone)
            self._live.removeWidget(card)
            card.hide()
            card.deleteLater()
        for path, run in live.items():
            if path not in self._cards:
                card = TrainingCard(run)
                card.pause_asked.connect(self._on_pause)
                card.resume_asked.connect(self._on_resume)
                card.stop_asked.connect(self._on_stop)
                self._cards[path] = card
                self._live.addWidget(card)
            self._cards[path].show_run(run, losses.get(path, ()))

    def _on_pause(self, run: Path) -> None:
        self._trainings.job_of(run).pause()

    def _on_resume(self, run: Path) -> None:
        self._trainings.job_of(run).go_on()

    def _on_stop(self, run: Path) -> None:
        self._trainings.job_of(run).stop_and_keep()

    def _forget_data(self, path: Path) -> None:
        self._recent.remove("data", path)

    def _forget_model(self, path: Path) -> None:
        self._recent.remove("model", path)


def _row(item: RecentItem, title: str) -> Row:
    icons = {"data": "folder", "model": "model", "run": "run"}
    detail = item.detail or place_text(item.path.parent)
    return Row(item.path, title, detail, ago_text(item.opened), icons[item.kind])


def _run_row(run: RunSummary, *, other_validation: bool) -> Row:
    detail = run_detail(run, other_validation=other_validation)
    return Row(run.path, run.name, detail, ago_text(run.created), "caution" if run.problem else "run", removable=False)
