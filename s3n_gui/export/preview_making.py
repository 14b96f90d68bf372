"""The preview: one file of the first image, made by the export's own code in an engine process that keeps running."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from s3n_core.datasets.name_list import records_named
from s3n_core.datasets.opening import named_records, open_images
from s3n_core.datasets.records import DataSet
from s3n_core.datasets.splits import VALIDATION
from s3n_core.errors import S3NError
from s3n_core.export.file_request import Candidate, ExportedFile, FileRequest, candidates
from s3n_gui.background.inspection_client import InspectionClient
from s3n_gui.background.tasks import Tasks
from s3n_gui.export.export_choice import ExportChoice
from s3n_gui.state.image_selection import ImageSelection
from s3n_gui.state.opening import collections_paused

DEBOUNCE_MILLISECONDS = 60
_LISTING = "images"
_Place = tuple[Path | None, str, ImageSelection | None, Path | None, str]
"""A folder or image, the split, chosen images, the model whose run says what its validation images are (else None), and
the format that the images are read in."""


@dataclass(frozen=True, slots=True)
class FirstImages:
    """The images of an export, as far as a preview needs them.

    Attributes:
        images: The first images.
        count: The number of all images.
    """

    images: tuple[Candidate, ...]
    count: int


def first_images(
    path: Path,
    split: str,
    data_set: DataSet | None = None,
    only: ImageSelection | None = None,
    model: Path | None = None,
    format: str = "auto",
) -> tuple[_Place, FirstImages]:
    """Return (path, split, chosen images, model, format) and the first images, in the order of `s3n export`.

    Slow: call it in a background thread.

    Args:
        path: A folder of images, a data set, or one image.
        split: "all", a split of the data set, or "validation": that of the model's run.
        data_set: The data set in ``path``, if it is already open.
        only: Chosen images; None: all.
        model: The model, for "validation".
        format: The format to read ``path`` in, or "auto".

    Raises:
        DataSetError: There are no images.
        RunError: The model lies in no run.
    """
    if data_set is None:
        with collections_paused():
            data_set = open_images(path, format)
    records = named_records(data_set, split, model)
    if only is not None:
        records = records_named(records, only.files)
    return (path, split, only, model, format), FirstImages(candidates(records, data_set.classes), len(records))


class PreviewMaker(QObject):
    """Keeps a file of the first image up to date with the choice.

    Signals:
        changed: ``busy``, ``file``, ``problem`` or ``state`` changed.
    """

    changed = Signal()

    def __init__(self, idle_seconds: float = 300.0, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.busy = False
        self.file: ExportedFile | None = None
        self.problem = ""
        self._idle_seconds = idle_seconds
        self._client: InspectionClient | None = None
        self._opened: tuple[Path | None, str, str] | None = None
        self._choice: ExportChoice | None = None
        self.count = 0
        """Number of images in the choice's folder or split; known once ``file`` is set."""
        self._data_set: DataSet | None = None
        self._reads_anew = False
        self._ending = ""
        self._listed: tuple[_Place, FirstImages] | None = None
        self._asked: tuple[_Place, Mapping[str, Any], str] | None = None
        self._generation = 0
        self._debounce = QTimer(self, singleShot=True, interval=DEBOUNCE_MILLISECONDS)
        self._debounce.timeout.connect(self._ask)
        self._tasks = Tasks(self)
        self._tasks.done.connect(self._on_listed)
        self._tasks.failed.connect(self._on_not_listed)

    @property
    def state(self) -> str:
        """What the engine is doing (`InspectionClient.state`)."""
        return "off" if self._client is None else self._client.state

    def show(self, choice: ExportChoice | None, data_set: DataSet | None = None) -> None:
        """Preview a file that a choice would write; None shows nothing.

        Args:
            choice: The choice.
            data_set: Its images, if they are already open.
        """
        if data_set is not self._data_set:
            self._listed, self._reads_anew = None, False
        self._choice, self._data_set = choice, data_set
        if choice is None:
            self._opened = None  # the same place may hold another checkpoint when it is chosen again
            self._debounce.stop()
            self._tasks.forget(_LISTING)
            self._asked, self._generation = None, 0
            self._set(busy=False, file=None, problem="")
        elif not (
            self._asked == self._wanted(choice) and self._opened == _model_of(choice) and (self.file or self.busy)
        ):
            self._set(busy=True, file=self.file, problem="")
            self._debounce.start()

    def choose(self, ending: str) -> None:
        """Preview another file of the image, by its ending."""
        self._ending = ending
        self.show(self._choice, self._data_set)

    def again(self) -> None:
        """Read the model and the images again and update the preview."""
        if self._choice is not None:
            self._opened, self._listed, self._reads_anew = None, None, True
            self._set(busy=True, file=self.file, problem="")
            self._debounce.start()

    def set_idle_seconds(self, seconds: float) -> None:
        """Set after how many idle seconds the engine unloads the model; takes effect immediately."""
        self._idle_seconds = seconds
        if self._client is not None:
            self._client.set_idle_seconds(seconds)

    def shut_down(self) -> None:
        """End the engine process."""
        self._debounce.stop()
        self._choice = None
        self._tasks.close()
        if self._client is not None:
            self._client.close()

    def _wanted(self, choice: ExportChoice) -> tuple[_Place, Mapping[str, Any], str]:
        run = choice.model if choice.split == VALIDATION else None
        return (choice.images, choice.split, choice.only, run, choice.format), choice.preview_options(), self._ending

    @Slot()
    def _ask(self) -> None:
        choice = self._choice
        if choice is None or choice.model is None:
            return
        if self._client is None:
            self._client = InspectionClient(self, idle_seconds=self._idle_seconds)
            self._client.file_made.connect(self._on_made)
            self._client.failed.connect(self._on_failed)
            self._client.state_changed.connect(self.changed)
        if self._opened != _model_of(choice):
            self._opened = _model_of(choice)
            self._client.open_model(choice.model, choice.device, choice.precision)
        self._asked = place, options, ending = self._wanted(choice)
        if self._listed is not None and self._listed[0] == place:
            images = self._listed[1].images
            self._generation = self._client.request_file(FileRequest(images=images, options=options, ending=ending))
        elif choice.images is not None:
            self._generation = 0
            data_set = None if self._reads_anew else self._data_set
            self._tasks.run(
                _LISTING,
                partial(first_images, choice.images, choice.split, data_set, choice.only, place[3], choice.format),
            )

    @Slot(str, object)
    def _on_listed(self, _: str, listed: tuple[_Place, FirstImages]) -> None:
        self._listed = listed
        self._ask()

    @Slot(str, object)
    def _on_not_listed(self, _: str, error: Exception) -> None:
        if not self._debounce.isActive():
            known = isinstance(error, S3NError)
            problem = str(error) if known else "The images could not be listed; the log has the details."
            self._set(busy=False, file=None, problem=problem)

    @Slot(object, int)
    def _on_made(self, file: ExportedFile, generation: int) -> None:
        if generation == self._generation and self._listed is not None:
            self.count = self._listed[1].count
            self._set(busy=self._debounce.isActive(), file=file, problem="")

    @Slot(object)
    def _on_failed(self, error: S3NError) -> None:
        if self._asked is not None and not self._debounce.isActive():
            self._opened = None if self.state == "broken" else self._opened  # opens the model again next time
            self._set(busy=False, file=None, problem=str(error))

    def _set(self, *, busy: bool, file: ExportedFile | None, problem: str) -> None:
        if (busy, file, problem) != (self.busy, self.file, self.problem):
            self.busy, self.file, self.problem = busy, file, problem
            self.changed.emit()


def _model_of(choice: ExportChoice) -> tuple[Path | None, str, str]:
    return choice.model, choice.device, choice.precision
