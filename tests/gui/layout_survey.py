"""Looks for layout faults on every page of a window, in all text sizes and window sizes; also as a program of its own.

As a program it takes the screen's scale from ``QT_SCALE_FACTOR``, prints one line for each fault, and ends with 0.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from layout_faults import layout_faults
from made_up_atlas import made_up_comparison, write_atlas
from made_up_weights import LONG_NAME, made_up_weights
from PySide6.QtWidgets import QApplication, QDialog, QScrollArea

import s3n_gui
from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.records import ImageRecord
from s3n_core.errors import DataChanged
from s3n_core.evaluation.cascade import CascadeOutcomes
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.comparison.stored_comparisons import keep_comparison
from s3n_core.parts.steadiness.steadiness_result import PartSteadiness, PlaceAccuracy, Repeats, Steadiness
from s3n_core.parts.steadiness.stored_steadiness import keep_steadiness
from s3n_core.prediction.rows import Prediction, PredictionHeader
from s3n_core.prediction.tables import write_table
from s3n_gui.appearance import theme
from s3n_gui.background.weight_catalogue import WeightCatalogue
from s3n_gui.dataset.audit.pairs_dialog import PairsDialog
from s3n_gui.dataset.findings import Finding, Pair
from s3n_gui.dataset.panel import DataPage
from s3n_gui.dataset.tags.tag_dialog import TagDialog
from s3n_gui.frame.dialogs.backbones.dialog import BackbonesDialog
from s3n_gui.frame.main_window import MainWindow
from s3n_gui.frame.window_dialogs import ClosingDialog
from s3n_gui.prediction.fast_mode.dialog import FastModeDialog
from s3n_gui.prediction.fast_mode.measurement import FastModeMeasurement
from s3n_gui.state.atlas_request import AtlasRequest
from s3n_gui.state.demo import demo_atlas, demo_images, demo_model, demo_run
from s3n_gui.state.prediction_request import PredictionRequest
from s3n_gui.state.split_choice import split_choice
from s3n_gui.training.runs.train_longer import TrainLongerDialog
from s3n_gui.training.shown_run import ChangedDataDialog
from s3n_gui.widgets.download_question import DOWNLOAD, DownloadQuestion, WeightFile
from s3n_gui.widgets.question import Answer

SMALL, USUAL, LARGE = (960, 540), (1280, 720), (2560, 1440)
SMALL_SCREEN = (960, 540 - 30)
"""The room for a window on a small screen, without its title bar."""
TEXT_SIZES = (0.8, 1.0, 1.2, 1.4, 1.6)
CORNERS = (
    (0.8, SMALL),
    (0.8, LARGE),
    (1.0, SMALL),
    (1.0, USUAL),
    (1.2, SMALL),
    (1.4, SMALL),
    (1.6, SMALL),
    (1.6, USUAL),
    (1.6, LARGE),
)
"""Text sizes and the sizes of the window at them."""
EMPTY_CORNERS = ((1.0, SMALL), (1.6, SMALL))
_TRIES = 12
_PATIENCE = 120.0
_MODEL = "0123456789abcdef"
_CHANGES = (
    "3 images are missing (the first: 001.Frost_tailed_Willowling/Frost_tailed_Willowling_0002.jpg)",
    "12 images were added",
)
_PAIRS = tuple(
    Pair(one=0, other=other, remark="near-duplicate (14 of 256 hash bits differ), mirrored") for other in (1, 2)
)


def survey(
    app: QApplication,
    window: MainWindow,
    corners: Sequence[tuple[float, tuple[int, int]]] = CORNERS,
    pages: Sequence[str] = (),
) -> list[str]:
    """Return the faults of all pages (or of some) at each text size and window size, each with where it was found.

    A page that scrolls sideways is a fault, too, and one that scrolls up and down at normal text
    size: large text may need it, usual text must not.
    """
    found = []
    for factor, size in corners:
        if theme.theme().factor != factor:
            theme.apply(app, "light", factor)
        window.resize(*size)
        for name in pages or window.pages.names:
            window.show_page(name)
            here = f"{name}, {round(100 * factor)} %, {size[0]} x {size[1]}"
            found += [f"{here}: {fault}" for fault in _lasting(app, window, factor)]
    return found


def _lasting(app: QApplication, window: MainWindow, factor: float) -> list[str]:
    """Return the faults that are still there when all layouts have settled."""
    faults: list[str] = []
    for _ in range(_TRIES):
        app.processEvents()
        faults = layout_faults(window) + _scrolls(window, factor)
        if not faults:
            break
    return faults


def _scrolls(window: MainWindow, factor: float) -> list[str]:
    area = window.pages.currentWidget()
    assert isinstance(area, QScrollArea)
    bars = {"wide": area.horizontalScrollBar().maximum()}
    if factor <= 1:
        bars["high"] = area.verticalScrollBar().maximum()
    return [f"the page is {over} pixels too {what}" for what, over in bars.items() if over]


def show_demo_everywhere(app: QApplication, window: MainWindow) -> None:
    """Show the demo content on all pages and wait for it; Predict shows a table that is already there."""
    request = PredictionRequest(model=demo_model(), images=demo_images())
    request.table.parent.mkdir(parents=True)
    records = open_data_set(demo_images()).records
    write_table(request.table, _header(len(records)), [_prediction(record) for record in records])
    splits = split_choice(demo_images(), open_data_set(demo_images()), demo_model())
    folder = AtlasRequest(model=demo_model(), images=demo_images(), split=splits.usual).folder
    files = [record.name for record in records]
    size = Atlas(demo_atlas()).parts.clusters.centroids.shape[1]
    atlas = write_atlas(folder, demo_images(), files, classes=_classes(), model=demo_model(), dimensions=size)
    keep_comparison(atlas, made_up_comparison(atlas, *_classes()[:2]))
    again = Repeats(share=0.75, low=0.6, high=0.9, control=0.25, peaks=1234, images=1000)
    accuracy = PlaceAccuracy(distance=0.12, low=0.1, high=0.14, control=0.3, images=1000, point="forehead")
    steady = (PartSteadiness(part=part, mirrored=again, shifted=again, accuracy=accuracy) for part in range(2))
    keep_steadiness(atlas, Steadiness(images=1000, left_out=0, parts=tuple(steady)))
    for name in window.pages.names:
        window.show_page(name)
        window.pages.page(name).show_demo()
        _wait(app, window.pages.page(name).is_ready)
    data = window.pages.page("data")
    assert isinstance(data, DataPage)
    data.controller.tagging.retag(
        data.grid.chosen(), add=("in flight", "a tag of rather many words, as a person may write")
    )


def all_dialogs() -> set[type[QDialog]]:
    """Return all dialogs of the window's package; base classes of others are none by themselves."""
    for module in pkgutil.walk_packages(s3n_gui.__path__, "s3n_gui."):
        importlib.import_module(module.name)

    def below(kind: type[QDialog]) -> set[type[QDialog]]:
        kinds = kind.__subclasses__()
        return (
            {kind, *(found for one in kinds for found in below(one))} if not kinds else set().union(*map(below, kinds))
        )

    return {kind for kind in below(QDialog) if kind.__module__.startswith("s3n_gui.")}


def opened_dialogs(app: QApplication, window: MainWindow) -> Iterator[QDialog]:
    """Open all dialogs and help pages one after the other, with content; each is closed after its turn.

    The demo must be shown on the Data page.
    """
    dialogs = window.dialogs
    for name, show in (
        ("settings", dialogs.show_settings),
        ("shortcuts", dialogs.show_shortcuts),
        ("glossary", dialogs.show_glossary),
        ("about", dialogs.show_about),
        *((f"help-{page}", partial(dialogs.show_help, page, page)) for page in window.pages.names),
    ):
        show()
        dialog = dialogs.dialog(name)
        assert dialog is not None
        app.processEvents()
        yield dialog
        dialog.close()
    data = window.pages.page("data")
    assert isinstance(data, DataPage)
    for made in (
        _fast_mode(window),
        _backbones(window),
        _download(window),
        ClosingDialog(["Training a-run-with-a-rather-long-name-07", "Training run-08"], window),
        TrainLongerDialog(demo_run(), 3, window),
        ChangedDataDialog(
            DataChanged("", root=Path("/home/a-person/images/birds of the north"), changes=_CHANGES), window
        ),
        TagDialog(
            "24 images", 24, {"in flight": 24, "a tag of rather many words, as a person may write it": 3}, window
        ),
        PairsDialog(
            data.controller, Finding(kind="near-duplicate", title="2 pairs of near-duplicates", pairs=_PAIRS), window
        ),
    ):
        made.show()
        app.processEvents()
        yield made
        made.close()
        made.deleteLater()


def _fast_mode(window: MainWindow) -> FastModeDialog:
    """Return the dialog of fast mode with a measured effect."""
    measurement = FastModeMeasurement(window.settings, window.jobs, window)
    entropy = np.linspace(0.0, 1.2, 240, dtype=np.float32)
    measurement.outcomes = CascadeOutcomes(entropy, entropy < 0.9, entropy < 1.1, 3)
    measurement.stage, measurement.folder = "measured", "birds of the north"
    made = FastModeDialog(measurement, window)
    made.show_stop_below(0.4)
    measurement.changed.emit()
    return made


def _backbones(window: MainWindow) -> BackbonesDialog:
    """Return the dialog of backbones with a made-up list."""
    catalogue = WeightCatalogue(window.jobs, window)
    catalogue.take(made_up_weights())
    made = BackbonesDialog(catalogue, window)
    made.show_backbone(LONG_NAME, 384)
    return made


def _download(window: MainWindow) -> DownloadQuestion:
    """Return the question before a download with a long address and file."""
    weights = WeightFile(
        backbone=LONG_NAME,
        place=f"https://hub.invalid/timm/{LONG_NAME}/resolve/main/model.safetensors",
        file=f"/home/a-person/.cache/torch/hub/checkpoints/timm/{LONG_NAME}.safetensors",
        size=794_000_000,
        licence="cc-by-nc-4.0",
        sentence=f"The weights {LONG_NAME} have the licence cc-by-nc-4.0, which does not allow commercial use.",
    )
    answers = (Answer("others", "Other weights…"), Answer(DOWNLOAD, "Download and train"))
    return DownloadQuestion(weights, "Training begins when they are here.", answers, window)


def _header(count: int) -> PredictionHeader:
    return PredictionHeader(
        model=_MODEL, mode="expected", precision="float32", classes=_classes(), images="f" * 32, count=count
    )


def _prediction(record: ImageRecord) -> Prediction:
    """Return a made-up row: one class is always taken for another one."""
    classes = _classes()
    assert record.label is not None
    label = classes[record.label]
    said = label if record.label else classes[1]
    return Prediction(
        file=record.name, label=label, class_name=said, probability=0.9, top=((said, 0.9), (classes[2], 0.1)),
        branches=tuple((letter, said) for letter in "ODC"), branch_probabilities=(0.9, 0.8, 0.7), agreement=1.0,
        margin=0.8, entropy=0.3, rule="top-1", peaks=1, peak_places=((100.0, 100.0, 0.9, 0.9, 0.1),),
        correct=said == label, mode="expected", precision="float32", model=_MODEL,
    )  # fmt: skip


def _classes() -> tuple[str, ...]:
    return open_data_set(demo_images()).classes


def _wait(app: QApplication, ready: Callable[[], bool]) -> None:
    """Process events until ``ready()`` has been true several times in a row."""
    end, quiet = time.monotonic() + _PATIENCE, 0
    while quiet < 4:
        assert time.monotonic() < end, "the demo was not drawn"
        app.processEvents()
        time.sleep(0.01)
        quiet = quiet + 1 if ready() else 0


def _main() -> int:
    from s3n_gui.frame.window_program import make_application
    from s3n_gui.state.settings import Settings

    app = make_application()
    theme.apply(app, "light")
    window = MainWindow(Settings())
    window.show_page("start")
    window.show()
    assert window.devicePixelRatio() == float(os.environ["QT_SCALE_FACTOR"])
    for fault in survey(app, window, EMPTY_CORNERS[1:]):
        print(fault)
    window.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(_main())
