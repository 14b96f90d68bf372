"""The session: the current data set, model, run and image, shared by all pages.

Pages set the session and react to its signals; they never call one another. Setting an equal value (for a data set: the
same object) emits nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from s3n_core.datasets.records import DataSet
from s3n_core.errors import S3NError
from s3n_core.runs.model_paths import after_rename
from s3n_gui.appearance.wording import error_text
from s3n_gui.state.image_selection import ImageSelection
from s3n_gui.state.messages import Cause, Message

if TYPE_CHECKING:
    from s3n_core.datasets.value_ranges import ValueRanges
    from s3n_core.parts.atlas.peak_descriptors import PeakDescriptors


@dataclass(frozen=True, slots=True)
class ValidationShare:
    """The share of the training images in the validation set of the next training.

    Attributes:
        fraction: The share, in [0, 0.5]; recipes call it ``validation``.
        seed: The seed of the draw; recipes call it ``split_seed``.
    """

    fraction: float = 0.1
    seed: int = 0


@dataclass(frozen=True, slots=True)
class LikeRequest:
    """A peak, to which the peaks of the atlas that look most like it are to be shown.

    Attributes:
        image: The image.
        place: Where the peak is, (x, y) in pixels of the original.
        peaks: What the image's peaks look like; None while it is not known, and where the atlas may have the peak itself.
    """

    image: Path
    place: tuple[float, float]
    peaks: PeakDescriptors | None = None


class Session(QObject):
    """The current data set, model, run and image, and the validation share of the next training.

    Signals:
        data_set_changed: The new ``DataSet`` or None.
        data_set_failed: A data set that was asked for could not be read.
        left_out_changed: Images of the open data set were left out of training, or included again.
        model_changed: The new model's ``Path`` (a model file or a run folder) or None.
        value_ranges_changed: The model's ``ValueRanges`` of images with more than 8 bits, or None.
        run_changed: The new run's folder as ``Path`` or None.
        run_renamed: A run's folder before and after, before ``model_changed``: its model and what was made with it are the same.
        image_changed: The newly selected image's ``Path`` or None.
        selection_changed: The new ``ImageSelection``, or None: all images are shown again.
        row_sought: The Predict page should show the row of ``take_sought()``.
        place_sought: The Inspect page should select the peak at ``take_place()``.
        why_asked: The Parts page should show what tells apart the two classes of ``take_why()``.
        like_asked: The Parts page should show the peaks that look most like that of ``like``.
        validation_changed: The new ``ValidationShare``.
        predictions_changed: The ``Path`` of a finished table of predictions, or None.
        atlas_changed: The folder of the open atlas as ``Path``, or None.
        model_atlas_changed: The folder of the atlas that names the parts of peaks as ``Path``, or None.
        atlas_edited: The parts of the open atlas were edited.
        page_requested: The name of a page to show ("inspect").
        path_offered: A ``Path`` that the window should open (data set, run, model or image).
        open_asked: "data", "model" or "run": the window should ask the user for one.
        backbone_asked: The window should list the backbones; the one to begin with or "", and the side of the input in pixels.
        backbone_chosen: A backbone and its initial weights, as in a recipe, for the next training.
        demo_asked: The window should open the demo.
        class_asked: The name of a class, as in ``DataSet.classes``: the Data page, already visible, should list it.
        predictions_asked: The Predict page, which is already visible, should predict the current data set: "all" of it, a
            split ("test").
        folder_asked: The Predict page, which is already visible, should let the user choose a folder.
        mistakes_asked: The Inspect page should list only the mistakes, if ``take_mistakes()``.
        run_data_asked: The folder of a run: the window should read its data set, and stay where it is.
        message_reported: A ``Message`` for the banner.
        cause_ended: A cause of messages is over: the banner drops them.
        error_reported: The sentence of each reported error.
        notice_reported: The sentence of each reported notice.
    """

    data_set_changed = Signal(object)
    data_set_failed = Signal()
    left_out_changed = Signal()
    model_changed = Signal(object)
    value_ranges_changed = Signal(object)
    run_changed = Signal(object)
    run_renamed = Signal(object, object)
    image_changed = Signal(object)
    selection_changed = Signal(object)
    row_sought = Signal()
    place_sought = Signal()
    why_asked = Signal()
    like_asked = Signal()
    validation_changed = Signal(object)
    predictions_changed = Signal(object)
    atlas_changed = Signal(object)
    model_atlas_changed = Signal(object)
    atlas_edited = Signal()
    page_requested = Signal(str)
    path_offered = Signal(object)
    open_asked = Signal(str)
    backbone_asked = Signal(str, int)
    backbone_chosen = Signal(str, str)
    demo_asked = Signal()
    class_asked = Signal(str)
    predictions_asked = Signal(str)
    folder_asked = Signal()
    mistakes_asked = Signal()
    run_data_asked = Signal(object)
    message_reported = Signal(object)
    cause_ended = Signal(str)
    error_reported = Signal(str)
    notice_reported = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._data_set: DataSet | None = None
        self._model: Path | None = None
        self._value_ranges: ValueRanges | None = None
        self._run: Path | None = None
        self._image: Path | None = None
        self._selection: ImageSelection | None = None
        self._sought: Path | None = None
        self._place: tuple[Path, tuple[float, float]] | None = None
        self._why: tuple[str, str] | None = None
        self._like: LikeRequest | None = None
        self._mistakes_wanted = False
        self._validation = ValidationShare()
        self._predictions: Path | None = None
        self._atlas: Path | None = None
        self._model_atlas: Path | None = None

    @property
    def data_set(self) -> DataSet | None:
        """The open data set."""
        return self._data_set

    @data_set.setter
    def data_set(self, value: DataSet | None) -> None:
        if value is not self._data_set:
            before, self._data_set = self._data_set, value
            if self._selection is not None and (value is None or value.root != self._selection.root):
                self.selection = None
            if before is None or value is None or value.root != before.root:
                self._sought = None
                if value is not None and self._image is not None and not self._image.is_relative_to(value.root):
                    self.image = None  # else a page that is shown later takes it for one chosen beside these images
            self._end(("open", "data", "table", "prediction"))
            self.data_set_changed.emit(value)

    @property
    def model(self) -> Path | None:
        """The current model: a model file, or a run folder (its best checkpoint)."""
        return self._model

    @model.setter
    def model(self, value: Path | None) -> None:
        if value != self._model:
            self._model = value
            self._end(("open", "model", "table", "prediction"))
            self.model_changed.emit(value)

    @property
    def value_ranges(self) -> ValueRanges | None:
        """The current model's ranges of values of images with more than 8 bits; None without any, or before they are read.

        `ModelRanges` sets it.
        """
        return self._value_ranges

    @value_ranges.setter
    def value_ranges(self, value: ValueRanges | None) -> None:
        if value != self._value_ranges:
            self._value_ranges = value
            self.value_ranges_changed.emit(value)

    @property
    def run(self) -> Path | None:
        """The folder of the current run."""
        return self._run

    @run.setter
    def run(self, value: Path | None) -> None:
        if value != self._run:
            self._run = value
            self._end(("open", "run"))
            self.run_changed.emit(value)

    def follow_rename(self, before: Path, after: Path) -> None:
        """Go on with the model of a run whose folder was renamed; the pages keep what they show of it.

        Args:
            before: The folder as it was called.
            after: The folder.
        """
        self.run_renamed.emit(before, after)
        if self._model is not None:
            self.model = after_rename(self._model, before, after)

    @property
    def image(self) -> Path | None:
        """The selected image; another data set drops one that is not in its folder."""
        return self._image

    @image.setter
    def image(self, value: Path | None) -> None:
        if value != self._image:
            self._image = value
            if self._like is not None and self._like.image != value:
                self._like = None
            self._end(("open", "image"))
            self.image_changed.emit(value)

    @property
    def selection(self) -> ImageSelection | None:
        """The chosen images that the pages show instead of all; another data set drops them."""
        return self._selection

    @selection.setter
    def selection(self, value: ImageSelection | None) -> None:
        if value != self._selection:
            self._selection = value
            self.selection_changed.emit(value)

    def inspect_selection(
        self, selection: ImageSelection | None, image: Path, place: tuple[float, float] | None = None
    ) -> None:
        """Show the Inspect page with these images only (None: with all), beginning with one of them.

        Args:
            selection: The images.
            image: The first one to show.
            place: A place in it whose peak should be selected, (x, y) in pixels of the original.
        """
        self.selection = selection
        self.image = image
        self._place = None if place is None else (image, place)
        self.show_page("inspect")
        if place is not None:
            self.place_sought.emit()

    def report_data_failure(self) -> None:
        """Say that a data set that was asked for could not be read; whoever waits for it waits no longer."""
        self.data_set_failed.emit()

    def report_left_out(self) -> None:
        """Say that images of the open data set were left out of training, or included again."""
        self.left_out_changed.emit()

    def report_atlas_edit(self) -> None:
        """Say that the parts of the open atlas were edited."""
        self.atlas_edited.emit()

    def take_place(self, image: Path) -> tuple[float, float] | None:
        """Return the place in an image whose peak should be selected, once; None if it was another image's."""
        found, self._place = self._place, None
        return found[1] if found is not None and found[0] == image else None

    def ask_why(self, a: str, b: str) -> None:
        """Show the Parts page with two classes, named as the model names them, and what tells them apart."""
        self._why = a, b
        self.show_page("parts")
        self.why_asked.emit()

    @property
    def why(self) -> tuple[str, str] | None:
        """The two classes of `ask_why`, until they are taken."""
        return self._why

    def take_why(self) -> tuple[str, str] | None:
        """Return the two classes that the Parts page should show, once: its atlas may be read after they were asked for."""
        found, self._why = self._why, None
        return found

    def ask_like(self, image: Path, place: tuple[float, float], peaks: PeakDescriptors | None = None) -> None:
        """Show the Parts page with the peaks that look most like a peak of an image.

        Args:
            image: The image.
            place: Where the peak is, (x, y) in pixels of the original.
            peaks: What the image's peaks look like, as far as it is known; `supply_like` can add it.
        """
        self._like = LikeRequest(image, place, peaks)
        self.show_page("parts")
        self.like_asked.emit()

    def supply_like(self, image: Path, peaks: PeakDescriptors) -> None:
        """Say what the peaks of an image look like, if that is what `ask_like` waits for."""
        if self._like is not None and self._like.image == image and self._like.peaks is None:
            self._like = replace(self._like, peaks=peaks)
            self.like_asked.emit()

    @property
    def like(self) -> LikeRequest | None:
        """The request of `ask_like`, until it is taken: the atlas, and what the peak looks like, may be read after it."""
        return self._like

    def take_like(self) -> LikeRequest | None:
        """Return the request of `ask_like`, once."""
        found, self._like = self._like, None
        return found

    def export_selection(self, selection: ImageSelection) -> None:
        """Show the Export page with exactly these images."""
        if selection == self._selection:
            self.selection = None  # the Export page may have gone on to other images, and has to hear of these again
        self.selection = selection
        self.show_page("export")

    def seek_row(self, image: Path) -> None:
        """Show the Predict page with the row of an image; another data set drops the request."""
        self._sought = image
        self.show_page("predict")
        self.row_sought.emit()

    def take_sought(self) -> Path | None:
        """Return the image whose row is wanted, once."""
        image, self._sought = self._sought, None
        return image

    @property
    def validation(self) -> ValidationShare:
        """The validation share of the next training."""
        return self._validation

    @validation.setter
    def validation(self, value: ValidationShare) -> None:
        if value != self._validation:
            self._validation = value
            self.validation_changed.emit(value)

    @property
    def predictions(self) -> Path | None:
        """The finished table (.json) of the current model's predictions for the current data set, or None.

        The Predict page sets it, and clears it when another model or data set is chosen; the Inspect page reads it.
        """
        return self._predictions

    @predictions.setter
    def predictions(self, value: Path | None) -> None:
        if value != self._predictions:
            self._predictions = value
            self.predictions_changed.emit(value)

    @property
    def atlas(self) -> Path | None:
        """The folder of the open atlas, or None.

        Opening one sets it, and so does the Parts page.
        """
        return self._atlas

    @atlas.setter
    def atlas(self, value: Path | None) -> None:
        self._open_atlas(value)
        self.model_atlas = value

    def set_atlas_aside(self) -> None:
        """Close the open atlas because another model or data set is open; it names parts until `AtlasFinder` finds another."""
        self._open_atlas(None)

    def _open_atlas(self, folder: Path | None) -> None:
        if folder != self._atlas:
            self._atlas = folder
            self._end(("open", "atlas"))
            self.atlas_changed.emit(folder)

    @property
    def model_atlas(self) -> Path | None:
        """The folder of the atlas that names the parts of peaks, or None: the open one, else one of the current model.

        `AtlasFinder` sets it when a model or a data set is opened.
        """
        return self._model_atlas

    @model_atlas.setter
    def model_atlas(self, value: Path | None) -> None:
        if value != self._model_atlas:
            self._model_atlas = value
            self.model_atlas_changed.emit(value)

    def show_page(self, name: str) -> None:
        """Ask the window to show a page; set what the page should show beforehand."""
        self.page_requested.emit(name)

    def open_path(self, path: Path) -> None:
        """Ask the window to open a data set, run, model or image."""
        self.path_offered.emit(path)

    def ask_to_open(self, kind: str) -> None:
        """Ask the window to show the dialog that opens "data", "model" or "run"."""
        self.open_asked.emit(kind)

    def ask_for_backbone(self, name: str, size: int) -> None:
        """Ask the window for the list of backbones.

        Args:
            name: The backbone to begin with; "" for none.
            size: Side of the network's input, in pixels, that a weight file is checked for.
        """
        self.backbone_asked.emit(name, size)

    def choose_backbone(self, name: str, weights: str) -> None:
        """Show the Train page and take a backbone and its initial weights into the form.

        Args:
            name: The backbone, as in a recipe.
            weights: "imagenet", "none" or a file, as in a recipe.
        """
        self.show_page("train")
        self.backbone_chosen.emit(name, weights)

    def ask_for_demo(self) -> None:
        """Ask the window to open the demo."""
        self.demo_asked.emit()

    def show_class(self, name: str) -> None:
        """Show the images of one class of the open data set on the Data page.

        Args:
            name: The class, as in ``DataSet.classes``.
        """
        self.show_page("data")
        self.class_asked.emit(name)

    def ask_for_predictions(self, split: str = "all") -> None:
        """Show the Predict page and predict the current data set, or a split of it ("test"), with the current model.

        Args:
            split: "all", a split, or "" for the images that are measured by themselves.
        """
        self.show_page("predict")
        self.predictions_asked.emit(split)

    def ask_for_folder(self) -> None:
        """Show the Predict page and let the user choose a folder to predict."""
        self.show_page("predict")
        self.folder_asked.emit()

    def inspect_mistakes(self) -> None:
        """Show the Inspect page with only those images of the data set that are predicted wrongly.

        Where the images that are measured by themselves have no predictions of the current model yet, they are predicted
        meanwhile; the list follows.
        """
        self.selection = None
        self.ask_for_predictions("")
        self._mistakes_wanted = True
        self.show_page("inspect")
        self.mistakes_asked.emit()

    def take_mistakes(self) -> bool:
        """Return whether only the mistakes are to be listed, once: the list may be built after it was asked for."""
        wanted, self._mistakes_wanted = self._mistakes_wanted, False
        return wanted

    def open_data_of(self, run: Path) -> None:
        """Ask the window to read the data set of a run; the page stays."""
        self.run_data_asked.emit(run)

    def report_error(self, error: S3NError | str, *, cause: Cause = "") -> None:
        """Show an error in the banner: an error of the engine, or a sentence with what happened and what to do.

        Args:
            error: The error or the sentence.
            cause: What it is about; the banner drops it when that is over.
        """
        sentence = error_text(error) if isinstance(error, S3NError) else error
        self.message_reported.emit(Message("error", sentence, cause))
        self.error_reported.emit(sentence)

    def report_notice(
        self, sentence: str, *, cause: Cause = "", action: str = "", act: Callable[[], object] | None = None
    ) -> None:
        """Show a notice in the banner.

        Args:
            sentence: The notice.
            cause: What it is about; the banner drops it when that is over.
            action: The text of a button, such as "Use this model"; a notice with one does not time out.
            act: What the button does.
        """
        self.message_reported.emit(Message("notice", sentence, cause, action, act))
        self.notice_reported.emit(sentence)

    def end_cause(self, cause: Cause) -> None:
        """Drop the messages with this cause from the banner: it is over."""
        self.cause_ended.emit(cause)

    def _end(self, causes: tuple[Cause, ...]) -> None:
        for cause in causes:
            self.end_cause(cause)
