"""The Start page: open or reopen something, watch running trainings, try the demo."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from s3n_core.datasets.validation_images import other_validation, run_validation_count
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.runs.run_summary import RunSummary
from s3n_gui.appearance.theme import px, theme
from s3n_gui.appearance.tokens import PAGE_MARGIN, State
from s3n_gui.appearance.wording import ago_text, count_text, place_text
from s3n_gui.start.continue_card import ContinueCard
from s3n_gui.start.demo_card import DemoCard
from s3n_gui.start.image_strip import ImageStrip
from s3n_gui.start.recent_card import RecentCard, Row
from s3n_gui.start.training_card import TrainingCard
from s3n_gui.state.clock import clock
from s3n_gui.state.demo import demo_images, demo_is_installed, demo_model, demo_run
from s3n_gui.state.last_place import LastPlaces
from s3n_gui.state.live_runs import LiveRuns
from s3n_gui.state.opening import Opener, data_set_detail, data_set_title, example_images, model_title
from s3n_gui.state.recent import RecentItem, RecentList
from s3n_gui.state.run_text import run_detail
from s3n_gui.state.runs_watch import RunsSeen
from s3n_gui.state.session import Session
from s3n_gui.widgets.drop_zone import DropZone
from s3n_gui.widgets.page import Page

if TYPE_CHECKING:
    from s3n_gui.background.thumbnails import ThumbnailLoader

_MOST_RUNS = 30
_WIDEST = 1720  # pixels: on a large screen, the page is centred
_ROOM_FOR_TWO, _ROOM_FOR_ALL = 800, 1240  # pixels: the widths from which the top line has room for two or three cards
_ROOM_FOR_LISTS = 700  # pixels
_THUMBNAIL_SIDE, _CACHE_BYTES = 384, 48 * 2**20
_Icon = tuple[str, State | Literal[""]]
_DAMAGED: _Icon = ("caution", "caution")
_OTHER_STATUS: _Icon = ("run", "")
_STATUS_ICONS: dict[str, _Icon] = {
    "finished": ("check", "good"),
    "failed": ("error", "bad"),
    "interrupted": ("caution", "caution"),
    "stopped": ("stop", ""),
}


class StartPage(Page):
    """The Start page."""

    def __init__(
        self,
        session: Session,
        recent: RecentList,
        opener: Opener,
        trainings: LiveRuns,
        places: LastPlaces,
        page_titles: Mapping[str, str],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._recent, self._opener, self._trainings = session, recent, opener, trainings
        self._thumbnails: ThumbnailLoader | None = None
        self._shows_demo = False
        self._cards: dict[Path, TrainingCard] = {}
        before = places.before
        self.drop_zone = DropZone(primary=before is None)
        self.drop_zone.open_asked.connect(session.ask_to_open)
        self.data_card = RecentCard("Data sets", "Recent data sets appear here.", self._loader)
        self.run_card = RecentCard("Runs", "Your training runs appear here.", self._loader)
        self.model_card = RecentCard("Models", "Recent model files appear here.", self._loader)
        self.images = ImageStrip(self._loader)
        self.images.chosen.connect(opener.open_path)
        top = self._top = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        top.setSpacing(PAGE_MARGIN)
        self.continue_card: ContinueCard | None = None
        if before is not None:
            self.continue_card = ContinueCard(before, page_titles.get(before.page, "Data"), self.thumbnails)
            self.continue_card.chosen.connect(self._on_continue)
            top.addWidget(self.continue_card, 4)
        top.addWidget(self.drop_zone, 3)
        self.demo_card: DemoCard | None = None
        if demo_is_installed():
            self.demo_card = DemoCard()
            self.demo_card.demo_asked.connect(session.ask_for_demo)
            top.addWidget(self.demo_card, 2)
        self._live = QVBoxLayout()
        self._live.setSpacing(PAGE_MARGIN)
        lists = self._lists = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        lists.setSpacing(PAGE_MARGIN)
        for card in (self.data_card, self.run_card, self.model_card):
            lists.addWidget(card, 1)
            card.chosen.connect(opener.open_path)
        self.data_card.remove_asked.connect(self._forget_data)
        self.run_card.remove_asked.connect(self._forget_run)
        self.model_card.remove_asked.connect(self._forget_model)
        self._inside = QWidget()
        column = QVBoxLayout(self._inside)
        column.setContentsMargins(PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN)
        column.setSpacing(PAGE_MARGIN)
        column.addLayout(top)
        column.addLayout(self._live)
        column.addWidget(self.images)
        column.addLayout(lists, 1)
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

    @property
    def thumbnails(self) -> ThumbnailLoader:
        """Reads the thumbnails; made with the first one, since it loads Pillow."""
        if self._thumbnails is None:
            from s3n_gui.background.thumbnails import ThumbnailLoader

            self._thumbnails = ThumbnailLoader(_THUMBNAIL_SIDE, self, cache_bytes=_CACHE_BYTES, threads=1)
        return self._thumbnails

    def _loader(self) -> ThumbnailLoader:
        return self.thumbnails

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
        detail, examples = data_set_detail(birds), example_images(birds)
        self.data_card.show_rows([Row(images, "demo birds", detail, "included", "folder", pictures=examples)])
        self.images.show_items([RecentItem("image", path, "demo birds", 0.0) for path in examples])
        self._show_runs(RunsSeen((run,), counts=((run.path, run_validation_count(run.path)),)))
        self.model_card.show_rows([Row(model, model_title(model), classes, "included", "model")])

    def _fit(self) -> None:
        self._inside.setMaximumWidth(px(_WIDEST))
        self._fit_width()
        for card in (self.data_card, self.run_card, self.model_card):
            card.setMaximumHeight(px(640))
            card.setMinimumHeight(px(164))

    def _fit_width(self) -> None:
        """Place the cards below each other on a narrow page.

        The offer of the demo, which is also in the File menu, is hidden where it leaves too little room for the others.
        """
        across, down = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        self._top.setDirection(across if self.width() >= px(_ROOM_FOR_TWO) else down)
        self._lists.setDirection(across if self.width() >= px(_ROOM_FOR_LISTS) else down)
        if self.demo_card is not None:
            self.demo_card.setVisible(self.continue_card is None or self.width() >= px(_ROOM_FOR_ALL))
        column = self._inside.layout()
        assert column is not None
        column.invalidate()  # a change of direction alone leaves the heights of before
        column.activate()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Arrange the cards for the new width."""
        super().resizeEvent(event)
        self._fit_width()

    def _on_tick(self) -> None:
        if self.isVisible() and not self._shows_demo:
            self._show_recent()
            if self.continue_card is not None:
                self.continue_card.show_time()

    def _on_continue(self) -> None:
        if self.continue_card is not None:
            self._opener.restore(self.continue_card.place)

    def showEvent(self, event: QShowEvent) -> None:
        """Show the times of now."""
        super().showEvent(event)
        self._on_tick()

    def _show_recent(self) -> None:
        self.data_card.show_rows([_row(item, data_set_title(item.path)) for item in self._recent.items("data")])
        self.images.show_items(self._recent.items("image"))
        self.model_card.show_rows([_row(item, model_title(item.path)) for item in self._recent.items("model")])
        self._show_runs(self._trainings.watch.seen)

    def _on_runs(self, seen: RunsSeen) -> None:
        if not self._shows_demo:
            self._show_runs(seen)

    def _show_runs(self, seen: RunsSeen) -> None:
        inside = {run.path for run in seen.runs}
        others, counts = other_validation(seen.runs), dict(seen.counts)
        rows = [
            _run_row(run, run_detail(run, images=counts.get(run.path), other_validation=run.path in others))
            for run in seen.runs[:_MOST_RUNS]
            if not run.live
        ]
        rows += [  # a run that was renamed or put into the trash is no other one
            _row(item, item.path.name) for item in self._recent.items("run") if item.path not in inside and item.exists
        ]
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
                card = TrainingCard(run, counts.get(path))
                card.pause_asked.connect(self._on_pause)
                card.resume_asked.connect(self._on_resume)
                card.stop_asked.connect(self._on_stop)
                self._cards[path] = card
                self._live.addWidget(card)
            self._cards[path].show_run(run, losses.get(path, ()), counts.get(path))

    def shut_down(self) -> None:
        """Stop reading thumbnails."""
        if self._thumbnails is not None:
            self._thumbnails.close()

    def _on_pause(self, run: Path) -> None:
        self._trainings.job_of(run).pause()

    def _on_resume(self, run: Path) -> None:
        self._trainings.job_of(run).go_on()

    def _on_stop(self, run: Path) -> None:
        self._trainings.job_of(run).stop_and_keep()

    def _forget_data(self, path: Path) -> None:
        self._recent.remove("data", path)

    def _forget_run(self, path: Path) -> None:
        self._recent.remove("run", path)

    def _forget_model(self, path: Path) -> None:
        self._recent.remove("model", path)


def _row(item: RecentItem, title: str) -> Row:
    icons = {"data": "folder", "model": "model", "run": "run"}
    detail = item.detail or place_text(item.path.parent)
    return Row(item.path, title, detail, ago_text(item.opened), icons[item.kind], pictures=item.examples)


def _run_row(run: RunSummary, detail: str) -> Row:
    icon, state = _DAMAGED if run.problem else _STATUS_ICONS.get(run.status, _OTHER_STATUS)
    return Row(run.path, run.name, detail, ago_text(run.created), icon, removable=False, state=state)
