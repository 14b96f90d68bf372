"""The table of pages, in the order of the rail. A page is imported when it is first shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from s3n_gui.background.device_probe import DeviceProbe
from s3n_gui.background.jobs import JobList
from s3n_gui.background.weight_catalogue import WeightCatalogue
from s3n_gui.state.last_place import LastPlaces
from s3n_gui.state.live_runs import LiveRuns
from s3n_gui.state.model_choices import ModelChoices
from s3n_gui.state.opening import Opener
from s3n_gui.state.recent import RecentList
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings
from s3n_gui.widgets.page import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Studio:
    """The shared objects that pages are built from.

    Attributes:
        session: The current data set, model and image.
        settings: The user's settings.
        jobs: All jobs of this window.
        recent: Recently opened data sets, models and runs.
        opener: Opens paths into the session.
        trainings: The live runs and their jobs.
        places: Where the last session ended.
        models: The models to choose from.
        probe: Knows the devices of this machine, once the engine has told.
        weights: What is known of backbones and their weights; nothing is asked before something shows it.
    """

    session: Session
    settings: Settings
    jobs: JobList
    recent: RecentList
    opener: Opener
    trainings: LiveRuns
    places: LastPlaces
    models: ModelChoices
    probe: DeviceProbe
    weights: WeightCatalogue


@dataclass(frozen=True, slots=True)
class PageEntry:
    """A page of the window.

    Attributes:
        name: Its name in the code, in ``Session.show_page``, in its help text and in the names of screenshots.
        title: Its title in the rail.
        icon: Name of its icon.
        shortcut: Keys that show it.
        factory: Creates it, importing its package lazily.
    """

    name: str
    title: str
    icon: str
    shortcut: str
    factory: Callable[[Studio], Page]


def _start(studio: Studio) -> Page:
    from s3n_gui.start.start_page import StartPage

    titles = {page.name: page.title for page in PAGES}
    return StartPage(studio.session, studio.recent, studio.opener, studio.trainings, studio.places, titles)


def _data(studio: Studio) -> Page:
    from s3n_gui.dataset.panel import page

    return page(studio.session, studio.settings, studio.jobs, studio.opener)


def _inspect(studio: Studio) -> Page:
    from s3n_gui.inspector.panel import page

    return page(studio.session, studio.settings, studio.jobs, studio.models)


def _train(studio: Studio) -> Page:
    from s3n_gui.training.panel import page

    return page(studio.session, studio.settings, studio.jobs, studio.trainings, studio.weights, studio.probe)


def _predict(studio: Studio) -> Page:
    from s3n_gui.prediction.panel import page

    return page(studio.session, studio.settings, studio.jobs, studio.models)


def _parts(studio: Studio) -> Page:
    from s3n_gui.parts.panel import page

    return page(studio.session, studio.settings, studio.jobs, studio.recent, studio.opener)


def _export(studio: Studio) -> Page:
    from s3n_gui.export.panel import page

    return page(studio.session, studio.settings, studio.jobs, studio.models)


PAGES: tuple[PageEntry, ...] = (
    PageEntry("start", "Start", "start", "Ctrl+1", _start),
    PageEntry("data", "Data", "data", "Ctrl+2", _data),
    PageEntry("train", "Train", "train", "Ctrl+3", _train),
    PageEntry("inspect", "Inspect", "inspect", "Ctrl+4", _inspect),
    PageEntry("predict", "Predict", "predict", "Ctrl+5", _predict),
    PageEntry("parts", "Parts", "parts", "Ctrl+6", _parts),
    PageEntry("export", "Export", "export", "Ctrl+7", _export),
)
"""All pages."""

PACKAGES: tuple[str, ...] = tuple(
    f"s3n_gui.{package}" for package in ("dataset", "training", "inspector", "prediction", "parts", "export")
)
"""The pages' packages, which are slow to import and are preloaded once the window is usable."""

LIBRARIES: tuple[str, ...] = ("numpy", "pydantic", "pyqtgraph")
"""What takes longest of the imports of the pages' packages."""
