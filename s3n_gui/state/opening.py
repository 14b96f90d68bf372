"""Opening of paths: detects data sets, runs, models and images, and reads data sets in a background thread."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from s3n_core.datasets.records import DataSet
from s3n_core.errors import DataSetError, S3NError
from s3n_core.runs.run_directory import RunDirectory, is_run
from s3n_core.system.typed_paths import typed_path
from s3n_gui.appearance.wording import count_text
from s3n_gui.background.tasks import Tasks
from s3n_gui.state.last_place import LastPlace
from s3n_gui.state.recent import RecentList
from s3n_gui.state.session import Session

_log = logging.getLogger(__name__)
MODEL_SUFFIX = ".safetensors"
_FOREIGN_MODELS = {".pt", ".pth", ".ckpt", ".bin", ".onnx"}


class Opener(QObject):
    """Opens paths into the session and remembers them.

    Signals:
        opened: What was opened ("data", "model", "run", "image", "atlas") and its ``Path``.
        busy_changed: Whether a data set is being read.
        reading: The ``Path`` of a data set folder, as its reading starts.
    """

    opened = Signal(str, object)
    busy_changed = Signal(bool)
    reading = Signal(object)

    def __init__(self, session: Session, recent: RecentList, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._recent = session, recent
        self._tasks = Tasks(self)
        self._tasks.done.connect(self._on_read)
        self._tasks.failed.connect(self._on_failed)
        self._folder = Path()  # being read
        self._busy = False
        self._wanted_image: Path | None = None  # shown again once the data set has been read, unless another was chosen
        self._aside = False  # whether the data set being read was opened along with a run
        self._tells = True  # whether to report that it cannot be read

    def open_path(self, path: Path) -> None:
        """Open whatever ``path`` is; if that is not possible, the banner says why."""
        from s3n_core.datasets.readers.folder_scan import is_image  # Loads Pillow, not at the window's start.
        from s3n_core.parts.atlas.atlas_files import is_atlas  # Loads numpy, not at the window's start.

        path = typed_path(path).absolute()
        self._session.end_cause("open")
        try:
            if not path.exists():
                self._session.report_error(f"{path} no longer exists; choose another folder or file.", cause="open")
            elif path.is_dir() and is_run(path):
                self.open_run(path)
            elif path.is_dir() and is_atlas(path):
                self.open_atlas(path)
            elif path.is_dir():
                self.open_data_set(path)
            elif path.suffix.lower() == MODEL_SUFFIX:
                self.open_model(path)
            elif is_image(path):
                self.open_image(path)
            elif path.suffix.lower() in _FOREIGN_MODELS:
                self._session.report_error(
                    f"{path.name} is not an S3N model; models are {MODEL_SUFFIX} files in a run's checkpoints folder.",
                    cause="open",
                )
            else:
                self._session.report_error(
                    f"{path.name} cannot be opened: it is not a folder of images, a run, a model ({MODEL_SUFFIX}) or "
                    "an image.",
                    cause="open",
                )
        except OSError as error:
            sentence = f"{path} cannot be read ({error.strerror or error}); check its permissions."
            self._session.report_error(sentence, cause="open")

    def open_model(self, path: Path, detail: str = "") -> None:
        """Make a model file the current model; the engine checks it later."""
        self._session.model = path
        self._recent.add("model", path, detail)
        self.opened.emit("model", path)

    def open_run(self, path: Path) -> None:
        """Make a run the current run and, if it has a checkpoint, the current model; also open its data set."""
        self._session.run = path
        directory = RunDirectory(path)
        detail = ""
        try:
            recipe = directory.read_run().get("recipe")
            detail = f"recipe {recipe['name']}" if isinstance(recipe, dict) and "name" in recipe else ""
            if directory.read_pointer("best") or directory.read_pointer("last"):
                self._session.model = path
        except S3NError as error:
            self._session.report_error(str(error), cause="run")
        self._recent.add("run", path, detail)
        self.opened.emit("run", path)
        self._open_data_of(directory)

    def open_atlas(self, path: Path) -> None:
        """Make a finished atlas the current one; the Parts page reads it."""
        self._session.atlas = path
        self._recent.add("atlas", path)
        self.opened.emit("atlas", path)

    def open_image(self, path: Path) -> None:
        """Select one image; chosen images that it is not one of are no longer shown alone."""
        selection = self._session.selection
        if selection is not None and not selection.holds(path):
            self._session.selection = None
        self._wanted_image = None
        self._session.image = path
        self.opened.emit("image", path)

    def open_data_set(self, path: Path, format: str = "auto") -> None:
        """Read a data set folder in the background and make it the current data set; the latest request wins."""
        self._aside, self._wanted_image = False, None
        self._begin_reading(path, format)

    def restore(self, place: LastPlace) -> None:
        """Open all that belongs to a place, and show its page."""
        session = self._session
        session.end_cause("open")
        if place.run is not None:
            session.run = place.run
        if place.model is not None:
            session.model = place.model
        if place.image is not None:
            session.image = place.image
        if place.data is not None:
            self._aside, self._wanted_image = True, place.image
            self._begin_reading(place.data, place.format)
            self._tells = True
        session.show_page(place.page)

    def _open_data_of(self, directory: RunDirectory) -> None:
        """Read the data set of a run if no other is open, since its images are usually inspected next.

        The page stays, and a folder that is missing or can no longer be read is ignored.
        """
        if self._session.data_set is None and not self._busy:
            self._read_data_of(directory)

    def open_data_of(self, run: Path) -> None:
        """Read the data set of a run and make it the current one; the page stays."""
        self._wanted_image = None
        self._read_data_of(RunDirectory(run))
        self._tells = True

    def _read_data_of(self, directory: RunDirectory) -> None:
        with suppress(S3NError, OSError):
            data = directory.read_run().get("data")
            if isinstance(data, dict) and isinstance(data.get("root"), str) and Path(data["root"]).is_dir():
                self._aside = True
                self._begin_reading(Path(data["root"]), str(data.get("format") or "auto"))

    def _begin_reading(self, path: Path, format: str) -> None:
        self._folder, self._tells = path, not self._aside
        self._session.end_cause("data")
        self._set_busy(True)
        self.reading.emit(path)
        self._tasks.run("data set", partial(_read_data_set, path, format))

    def close(self) -> None:
        """Wait for a running read and discard it."""
        self._tasks.close()

    @Slot(str, object)
    def _on_read(self, _: str, read: tuple[DataSet, str]) -> None:
        data_set, sentence = read
        wanted, self._wanted_image = self._wanted_image, None
        if self._session.image != wanted:  # the user has chosen another one meanwhile
            wanted = None
        self._set_busy(False)
        self._session.data_set = data_set
        if sentence:
            self._session.report_error(sentence, cause="data")
        self._recent.add("data", self._folder, data_set_detail(data_set), example_images(data_set))
        if wanted is not None:
            self._session.image = wanted
        if not self._aside:
            self.opened.emit("data", self._folder)

    @Slot(str, object)
    def _on_failed(self, _: str, error: Exception) -> None:
        self._wanted_image = None
        self._set_busy(False)
        self._session.report_data_failure()
        if not self._tells:
            _log.info("the data set of the run was not opened: %s", error)
        elif isinstance(error, S3NError):
            self._session.report_error(str(error), cause="data")
        else:
            name = type(error).__name__
            sentence = f"{self._folder} could not be read ({name}); see the log for details."
            self._session.report_error(sentence, cause="data")

    def _set_busy(self, busy: bool) -> None:
        if busy != self._busy:
            self._busy = busy
            self.busy_changed.emit(busy)


def _read_data_set(path: Path, format: str) -> tuple[DataSet, str]:
    """Read a data set or images; return it with a sentence on labels that could not be read, or ""."""
    from s3n_core.datasets.assignment import assigned
    from s3n_core.datasets.opening import read_images

    with collections_paused():
        data_set, sentence = read_images(path, format)
        with suppress(DataSetError):  # The Data page reports an unreadable assignment.
            data_set = assigned(data_set)
    return data_set, sentence


@contextmanager
def collections_paused() -> Iterator[None]:
    """Suspend garbage collection while a data set is read; with 100,000 new records it would block the window."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def data_set_detail(data_set: DataSet) -> str:
    """Return the size of a data set as text: "543 images · 10 classes"."""
    images = count_text(len(data_set.records), "image")
    return f"{images} · {count_text(len(data_set.classes), 'class', 'classes')}" if data_set.classes else images


def example_images(data_set: DataSet) -> tuple[Path, ...]:
    """Return up to four images from all over a data set, for recognising it."""
    count = len(data_set.records)
    return tuple(
        data_set.records[row].path for row in sorted({(2 * part + 1) * count // 8 for part in range(4)}) if count
    )


def data_set_title(root: Path) -> str:
    """Return the displayed name of a data set: its folder's name, or "demo birds" for the demo."""
    return "demo birds" if root.parent.name == "demo" and root.name == "images" else root.name or str(root)


def model_title(path: Path) -> str:
    """Return the displayed name of a model: "run-07 best" for a run, "run-07 step-1200" for one of its checkpoints."""
    if path.suffix.lower() != MODEL_SUFFIX:
        return f"{path.name} best"
    if path.parent.name == "checkpoints":
        return f"{path.parent.parent.name} {path.stem}"
    if path.parent.name == "demo" and path.stem == "model":
        return "demo model"
    return path.stem


def data_set_place(data_set: DataSet) -> Path:
    """Return the path of an open data set for a command: its folder, or its image if there is only one."""
    records = data_set.records
    return records[0].path if len(records) == 1 and records[0].path.parent == data_set.root else data_set.root


def data_set_format(data_set: DataSet | None, images: Path | None) -> str:
    """Return the format that a command reads images in: that of the open data set if these are its, else "auto"."""
    if data_set is None or images != data_set.root or images != data_set_place(data_set):
        return "auto"
    return data_set.format
