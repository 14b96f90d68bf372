"""The page Train: the form of a new training and the runs at the left, the shown run's curves, and what it looks at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QKeySequence, QShortcut
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSplitter, QTabWidget, QVBoxLayout, QWidget

from s3n_core.errors import S3NError
from s3n_core.runs.locations import checked_run_name, new_run_name
from s3n_gui.background.jobs import JobList
from s3n_gui.background.training_job import TrainingRequest
from s3n_gui.page import Page
from s3n_gui.session import Session
from s3n_gui.settings import Settings
from s3n_gui.theme import px
from s3n_gui.tokens import INSIDE_GROUP, PAGE_MARGIN
from s3n_gui.training.chart_grid import ChartGrid
from s3n_gui.training.chart_toolbar import ChartToolbar
from s3n_gui.training.controller import TrainingController
from s3n_gui.training.recipe_choice import RecipeChoice, data_problem
from s3n_gui.training.recipe_form import RecipeForm
from s3n_gui.training.run_bar import RunBar
from s3n_gui.training.sentences import sayings
from s3n_gui.training.words_card import WordsCard
from s3n_gui.trainings import Trainings

OTHER_COLOURS = ("#8E5BB5", "#B58900", "#C2417C", "#4B8B9B")
"""Of runs laid over: told apart from the branches' colours and from one another."""


def page(session: Session, settings: Settings, jobs: JobList, trainings: Trainings) -> Page:
    """Make the page."""
    return TrainPage(session, settings, jobs, trainings)


class TrainPage(Page):
    """Puts the parts together; the controller decides."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        jobs: JobList,
        trainings: Trainings,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._settings, self._trainings = session, settings, trainings
        self.controller = TrainingController(session, jobs, trainings, self)
        self.form = RecipeForm(RecipeChoice())
        self.bar = RunBar()
        self.toolbar = ChartToolbar()
        self.charts = ChartGrid()
        self.words = WordsCard()
        self.side = QTabWidget()
        self.side.setDocumentMode(True)
        self.side.addTab(self.form, "New training")
        self._build()
        self._connect()
        self._check_form()
        if session.run is not None:
            self.controller.show_run(session.run)

    # -- hooks of the frame ------------------------------------------------------------------------------------------------

    def is_ready(self) -> bool:
        """Whether all curves are drawn."""
        return self.charts.is_settled

    def shut_down(self) -> None:
        """Look at no run any more; trainings go on."""
        self.controller.close()

    def save_state(self) -> dict[str, Any]:
        """Widths of the parts, smoothing, recipe."""
        return {
            "widths": self._splitter.sizes(),
            "smoothing": self.toolbar.smoothing.value(),
            "recipe": self.form.choice.recipe.name,
        }

    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Take what was kept."""
        widths, smoothing = state.get("widths"), state.get("smoothing")
        if (
            isinstance(widths, list)
            and len(widths) == self._splitter.count()
            and all(isinstance(w, int) for w in widths)
        ):
            self._splitter.setSizes(widths)
        if isinstance(smoothing, int):
            self.toolbar.smoothing.setValue(smoothing)
        if state.get("recipe") in self.form.choice.names:
            self.form.recipe_box.setCurrentText(state["recipe"])

    def commands(self) -> Mapping[str, Callable[[], object]]:
        """The actions of this page."""
        return {}

    # -- making it -----------------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        left = QFrame()
        left.setProperty("role", "card")
        column = QVBoxLayout(left)
        column.setContentsMargins(1, 1, 1, 1)
        column.addWidget(self.side)
        middle = QWidget()
        self._middle = QVBoxLayout(middle)
        self._middle.setContentsMargins(0, 0, 0, 0)
        self._middle.setSpacing(INSIDE_GROUP)
        for part in (self.bar, self.toolbar):
            self._middle.addWidget(part)
        self._middle.addWidget(self.charts, 1)
        self._middle.addWidget(self.words)
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.setHandleWidth(INSIDE_GROUP)
        self._splitter.addWidget(left)
        self._splitter.addWidget(middle)
        self._splitter.setStretchFactor(1, 1)
        left.setMinimumWidth(px(272))
        left.setMaximumWidth(px(420))
        self._splitter.setSizes([px(300), px(700)])
        whole = QHBoxLayout(self)
        whole.setContentsMargins(PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN)
        whole.addWidget(self._splitter)

    def _connect(self) -> None:
        controller = self.controller
        controller.run_shown.connect(self._on_run_shown)
        controller.measured.connect(self._on_measured)
        controller.told.connect(self._on_told)
        controller.others_changed.connect(self._on_others)
        self._session.run_changed.connect(controller.show_run)
        self._session.data_set_changed.connect(self._check_form)
        self._settings.changed.connect(self._check_form)
        self.form.changed.connect(self._check_form)
        self.form.name.textChanged.connect(self._check_form)
        self.form.start_asked.connect(self.start)
        self.form.data_asked.connect(self._on_data_asked)
        self.bar.ordered.connect(self._on_ordered)
        self.bar.inspect_asked.connect(self._on_inspect)
        self.toolbar.smoothing_changed.connect(self.charts.set_smoothing)
        self.toolbar.logarithmic_changed.connect(self.charts.set_logarithmic)
        self.toolbar.reset_asked.connect(self.charts.reset_zoom)
        self.toolbar.other_removed.connect(self._on_other_removed)
        start = QShortcut(QKeySequence("Ctrl+Return"), self)
        start.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        start.activated.connect(self.start)

    # -- a new training ------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start what the form says."""
        self._check_form()
        data_set = self._session.data_set
        if not self.form.start.isEnabled() or data_set is None:
            return
        choice = self.form.choice
        self.controller.start(
            TrainingRequest(
                data=data_set.root,
                recipe=choice.recipe.name,
                name=self.form.name.text().strip(),
                root=self._settings.runs_root,
                settings=choice.settings,
                format=data_set.format,
                device=self._settings.device,
            )
        )
        self.form.name.setModified(False)

    def _check_form(self, *_: object) -> None:
        data_set, root = self._session.data_set, self._settings.runs_root
        recipe = self.form.choice.recipe.name
        stem = f"{data_set.root.name}-{recipe}" if data_set is not None else recipe
        self.form.propose_name(new_run_name(root, stem))
        name = self.form.name.text().strip()
        problem = data_problem(data_set) or self.form.choice.problem
        if not problem:
            try:
                name = checked_run_name(name)
                if (root / name).exists():
                    problem = f"There is already a run called {name}; choose another name."
            except S3NError as error:
                problem = str(error)
        if not problem and self.controller.machine.busy:
            problem = "A training runs already; stop it, or wait for its end."
        self.form.show_problem(problem, data_missing=bool(data_problem(data_set)))

    def _on_data_asked(self) -> None:
        self._session.ask_to_open("data")

    # -- the shown run -------------------------------------------------------------------------------------------------------

    def _on_run_shown(self, path: Path | None) -> None:
        self.charts.show_bands(())
        self.charts.show_best(None)
        self.charts.show_series(self.controller.series, self._epochs())
        self._bands: tuple[tuple[float, float, str], ...] = ()

    def _on_measured(self) -> None:
        self.charts.set_epochs(self._epochs())
        self.charts.refresh()
        lines = self.controller.series.epoch_lines
        best = [float(line["epoch"]) + 1 for line in lines if line.get("best") and "epoch" in line]
        self.charts.show_best(best[-1] if best else None)

    def _on_told(self) -> None:
        controller = self.controller
        name = controller.path.name if controller.path is not None else ""
        self.bar.show_run(name, controller.machine, controller.state, controller.status, controller.batch_seconds)
        self.words.show_sayings(sayings(controller.series, controller.state, controller.status))
        self.charts.set_epochs(self._epochs())
        bands = recipe_bands(controller.run)
        if bands != getattr(self, "_bands", ()):
            self._bands = bands
            self.charts.show_bands(bands)
        self._check_form()

    def _on_ordered(self, order: str) -> None:
        if order == "resume":
            self.controller.resume(self._settings.device)
        else:
            self.controller.order(order)  # type: ignore[arg-type]  # the bar sends orders

    def _on_inspect(self) -> None:
        self._session.model = self.controller.path
        self._session.show_page("inspect")

    def _on_others(self) -> None:
        others = self.controller.others()
        colours = [QColor(OTHER_COLOURS[index % len(OTHER_COLOURS)]) for index in range(len(others))]
        self.toolbar.show_others([(path, colour) for (path, _), colour in zip(others, colours, strict=True)])
        self.charts.show_others(
            [(path.name, colour, series) for (path, series), colour in zip(others, colours, strict=True)]
        )

    def _on_other_removed(self, path: Path) -> None:
        self.controller.lay_over(path, on=False)

    def _epochs(self) -> int:
        state, recipe = self.controller.state, self.controller.run.get("recipe")
        if state is not None and state.epochs:
            return state.epochs
        epochs = recipe.get("epochs") if isinstance(recipe, Mapping) else None
        return epochs if isinstance(epochs, int) else max(1, len(self.controller.series.epoch_lines))


def recipe_bands(run: Mapping[str, Any]) -> tuple[tuple[float, float, str], ...]:
    """Return a run's warm-up phases as bands: from, to (in epochs), and how the peaks are divided."""
    recipe = run.get("recipe")
    phases = recipe.get("phases") if isinstance(recipe, Mapping) else None
    bands, start = [], 0.0
    for phase in phases if isinstance(phases, list) else []:
        if isinstance(phase, Mapping) and isinstance(phase.get("epochs"), int):
            bands.append((start, start + phase["epochs"], str(phase.get("sampling", ""))))
            start += phase["epochs"]
    return tuple(bands)
