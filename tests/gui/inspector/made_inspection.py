"""A synthetic inspection, and a fake engine that replies at once or on request, without process or network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from drawn_contributions import drawn_contributions
from PySide6.QtCore import QObject, Signal

from s3n_core.datasets.records import Box, DataSet, ImageRecord
from s3n_core.errors import UnreadableImage
from s3n_core.inspection.contribution_view import ContributionView
from s3n_core.inspection.geometry import Place, ViewFrame, cell_places
from s3n_core.inspection.hidden_place import HiddenPlace
from s3n_core.inspection.hiding import HidingSettings
from s3n_core.inspection.inspection import Inspection, Response, Scores, Warps
from s3n_core.inspection.peak import Peak
from s3n_core.inspection.settings import InspectionSettings
from s3n_core.parts.atlas.peak_descriptors import PeakDescriptors
from s3n_core.server.codec import ClassMap
from s3n_core.server.requests import Subject

CLASSES = ("001.Red_bird", "002.Blue_bird", "003.Green_bird")
CELLS = 31


def bent_grid(strength: float) -> np.ndarray:
    """A monotonic grid that enlarges the middle and keeps the border fixed."""
    places = cell_places(CELLS, CELLS)
    return (places - strength * np.sin(np.pi * places) / np.pi).astype(np.float32)


def made_inspection(
    name: str = "red/bird 1.jpg",
    *,
    size: tuple[int, int] = (300, 200),
    box: tuple[float, float, float, float] | None = None,
    peaks: tuple[tuple[int, int, float, str], ...] = ((10, 20, 1.0, "D"), (25, 5, 0.4, "C")),
    winner: int = 0,
    rebel: int | None = None,
    settings: InspectionSettings | None = None,
    **changes: Any,
) -> Inspection:
    """Return the inspection of a grey image; ``peaks`` are (row, column, R, set), ``rebel`` is D's prediction."""
    width, height = size
    box = box or (0.0, 0.0, float(width), float(height))
    settings = settings or InspectionSettings()
    frame = ViewFrame(box=box, size=64)
    logits = np.full(3, -1.0, dtype=np.float32)
    logits[winner] = 2
    of_d = np.full(3, -1.0, dtype=np.float32)
    of_d[winner if rebel is None else rebel] = 3
    response = np.outer(np.linspace(0, 1, CELLS), np.ones(CELLS)).astype(np.float32)
    listed = []
    for row, column, strength, where in peaks:
        edit = next((edit for edit in settings.edits if edit.cell == (row, column)), None)
        cell = (row, column)
        if edit is not None:
            where = "off" if edit.off else edit.forced or where
            cell = cell if edit.moved_to is None else (int(edit.moved_to[0]), int(edit.moved_to[1]))
        x, y = frame.to_original(cell_places(CELLS, CELLS)[cell])
        listed.append(
            Peak(
                x=float(x),
                y=float(y),
                cell=cell,
                found_at=(row, column),
                response=strength,
                zeta=0.25,
                set=where,  # type: ignore[arg-type]
                weight_d=float(where in ("D", "both")),
                weight_c=float(where in ("C", "both")),
            )
        )
    values: dict[str, Any] = {
        "name": name,
        "image": np.full((height, width, 3), 128, dtype=np.uint8),
        "image_scale": 1.0,
        "image_size": size,
        "source_box": box,
        "source_size": 64,
        "classes": CLASSES,
        "logits": {"joint": logits, "O": logits, "D": of_d, "C": logits},
        "gate_logits": logits,
        "entropy": 0.1,
        "delta": 0.2 if settings.delta is None else settings.delta,
        "sure": True,
        "merged_classes": (winner,),
        "class_maps": np.arange(8, dtype=np.float32).reshape(2, 2, 2),
        "mapped_classes": (0, 1),
        "alignment": "origins",
        "span": None,
        "map": response,
        "peaks": tuple(listed),
        "map_d": 0.09 + response,
        "map_c": 0.09 + 3 * response,
        "grid_d": bent_grid(0.5),
        "grid_c": bent_grid(0.0),
        "image_d": np.full((64, 64, 3), (200, 30, 30), dtype=np.uint8),
        "image_c": np.full((64, 64, 3), (30, 30, 200), dtype=np.uint8),
        "beta_1": 2.8 if settings.beta_1 is None else settings.beta_1,
        "beta_2": 9.3 if settings.beta_2 is None else settings.beta_2,
        "window": 3 if settings.window is None else settings.window,
        "floor": "mean" if settings.floor is None else settings.floor,
        "base": 0.09,
        "sampling": settings.sampling or "expected",
        "attention": "sparse",
        "control": "none",
        "settings": settings,
        "precision": "float32",
        "device": "cpu",
        "model": "tiny.safetensors",
        "model_digest": "0123456789abcdef",
        "licence": "",
    }
    values |= changes
    response, warps, scores = (
        part(**{field.name: values.pop(field.name) for field in fields(part)}) for part in (Response, Warps, Scores)
    )
    assert not values
    return Inspection(response=response, warps=warps, scores=scores)


def without_scores(inspection: Inspection) -> Inspection:
    """Return the inspection without scores, as the engine sends it first."""
    return replace(inspection, scores=Scores(logits={"O": inspection.scores.logits["O"]}))


def data_set(root: Path, count: int = 6) -> DataSet:
    """A data set of images that need not exist, labelled alternately with the three classes."""
    records = tuple(ImageRecord(path=root / f"bird {n}.jpg", name=f"bird {n}.jpg", label=n % 3) for n in range(count))
    return DataSet(root=root, format="class-folders", classes=CLASSES, records=records)


def hidden_place(
    place: Place = (100.0, 60.0), settings: HidingSettings | None = None, *, size: tuple[int, int] = (300, 200)
) -> HiddenPlace:
    """Return what hiding a place of the grey image does: red loses 3 in every branch but O, which loses nothing."""
    settings = (settings or HidingSettings()).resolved(20.0)
    count = settings.controls
    changes = np.concatenate([[0.0, -3.0], np.linspace(-1.5, 0.5, count)])
    logits = np.stack([2.0 + changes, np.full(count + 2, -1.0), np.full(count + 2, -1.0)], axis=1).astype(np.float32)
    still = np.repeat(logits[:1], count + 2, axis=0)
    image = np.full((size[1], size[0], 3), 128, dtype=np.uint8)
    return HiddenPlace(
        name="bird 0.jpg",
        place=place,
        settings=settings,
        region="view",
        region_box=(0.0, 0.0, float(size[0]), float(size[1])),
        controls=np.stack([np.linspace(20, size[0] - 20, count), np.full(count, size[1] / 2)], axis=1).astype(
            np.float32
        ),
        classes=CLASSES,
        logits={"joint": logits, "O": still, "D": logits, "C": logits},
        image=image,
        image_scale=1.0,
        model="tiny.safetensors",
        model_digest="0123456789abcdef",
        precision="float32",
    )


class FakeClient(QObject):
    """A fake `EngineClient` (test_engine_client.py compares them); replies on `answer`, or at once if ``prompt``."""

    opened = Signal(object)
    resampled = Signal(object, object)
    answered = Signal(object, object)
    class_map_ready = Signal(object)
    hiding_progressed = Signal(int, int)
    places_hidden = Signal(object, object)
    hiding_ended = Signal(object)
    contributions_ready = Signal(object, object)
    contributions_failed = Signal(object, object)
    descriptors_ready = Signal(object, object)
    descriptors_failed = Signal(object, object)
    failed = Signal(object, object)
    interrupted = Signal(str)
    state_changed = Signal(str)

    def __init__(self, prompt: bool = False) -> None:
        super().__init__()
        self.prompt = prompt
        self.models: list[Path] = []
        self.opened_on: list[tuple[str, str]] = []
        self.idle_seconds: list[float] = []
        self.asked: list[Subject] = []
        self.maps_asked: list[int] = []
        self.saying: dict[str, dict[str, Any]] = {}
        self.broken: set[str] = set()
        self.hidden: list[tuple[Subject, Sequence[Place], HidingSettings, Box | None]] = []
        self.why_asked: list[tuple[Subject, int, int | None, Box | None]] = []
        self.described: list[Subject] = []
        self.closed = False
        self.model = None
        self.state = "ready"

    def open_model(self, path: Path, device: str = "auto", precision: str = "auto") -> None:
        self.models.append(path)
        self.opened_on.append((device, precision))

    def close_model(self) -> None:
        self.model = None

    def inspect(
        self, image_path: Path, settings: InspectionSettings | None = None, *, name: str | None = None
    ) -> Subject:
        self.asked.append(Subject(image=image_path, name=name, settings=settings or InspectionSettings()))
        if self.prompt:
            from PySide6.QtCore import QTimer

            QTimer.singleShot(0, self, self.answer)
        return self.asked[-1]

    def inspection(self, subject: Subject | None = None) -> Inspection:
        """Return the inspection of a subject; by default of the last one requested."""
        subject = subject or self.asked[-1]
        saying = self.saying.get(subject.image.name, {})
        return made_inspection(subject.name or subject.image.name, settings=subject.settings, **saying)

    def resample(self, subject: Subject | None = None) -> None:
        subject = subject or self.asked[-1]
        self.resampled.emit(without_scores(self.inspection(subject)), subject)

    def answer(self) -> None:
        subject = self.asked[-1]
        if subject.image.name in self.broken:
            self.failed.emit(UnreadableImage(subject.image, "the file is empty"), subject)
            return
        self.resample()
        self.answered.emit(self.inspection(), subject)

    def set_idle_seconds(self, seconds: float) -> None:
        self.idle_seconds.append(seconds)

    def request_class_map(self, subject: Subject, index: int) -> None:
        self.maps_asked.append(index)

    def request_contributions(
        self, subject: Subject, target: int, versus: int | None, *, box: Box | None = None
    ) -> None:
        self.why_asked.append((subject, target, versus, box))

    def send_contributions(self) -> ContributionView:
        """Send what contributes to the last question: red reads 2 in the upper left, -0.5 in the lower right, bias 1.5."""
        subject, target, versus, box = self.why_asked[-1]
        inspection = self.inspection(subject)
        view = drawn_contributions(
            {(0, 0): 2.0, (3, 3): -0.5},
            size=inspection.response.image_size,
            peaks=tuple(peak for peak in inspection.warps.peaks if peak.set != "off"),
            box=box,
            head="joint",
            target=target,
            versus=versus,
            bias=inspection.scores.margin(target, versus) - 1.5,
        )
        self.contributions_ready.emit(view, subject)
        return view

    def request_descriptors(self, subject: Subject) -> None:
        self.described.append(subject)

    def send_descriptors(self, *values: Sequence[float], model: str = "0123456789abcdef") -> PeakDescriptors:
        """Send what the peaks of the last request look like: descriptors of length 8 that begin with these values."""
        subject = self.described[-1]
        inspection = self.inspection(subject)
        peaks = inspection.warps.peaks
        found = PeakDescriptors(
            model=model,
            predicted=inspection.prediction.index,
            image_size=inspection.response.image_size,
            places=np.array([(peak.x, peak.y) for peak in peaks], dtype=np.float32),
            moved=tuple(peak.cell != peak.found_at for peak in peaks),
            values=np.array([[*some, *[0.0] * (8 - len(some))] for some in values], dtype=np.float32),
        )
        self.descriptors_ready.emit(found, subject)
        return found

    def hide_places(
        self, subject: Subject, places: Sequence[Place], settings: HidingSettings, *, box: Box | None = None
    ) -> None:
        self.hidden.append((subject, places, settings, box))

    def stop_hiding(self) -> None:
        self.hiding_ended.emit(None)

    def send_class_map(self, index: int, subject: Subject | None = None) -> None:
        """Send a class map; by default of the last image requested."""
        values = np.full((2, 2), index, dtype=np.float32)
        self.class_map_ready.emit(ClassMap(subject=subject or self.asked[-1], index=index, values=values))

    def close(self) -> None:
        self.closed = True
