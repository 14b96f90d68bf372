"""Rows and headers of prediction tables. Does not import torch, so that the window can read tables."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Annotated, Any

from s3n_core.datasets.records import Annotation, ImageRecord, displayed_class
from s3n_core.inspection.number_text import probability_text
from s3n_core.models.seen_images import SeenCounts
from s3n_core.prediction.schema import Column, Heading, PeakPlace, columns_of
from s3n_core.system.json_values import to_json


def _agreement(row: Prediction) -> float | None:
    names = [name for _, name in row.branches]
    return float(f"{names.count(row.class_name or '') / len(names):.6g}") if names else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The model's prediction for one image, or why there is none.

    Numbers have the six significant digits that float32 supports. For an image without a prediction ``error`` says why,
    and the other fields of the prediction are None or empty.

    Attributes:
        file: The image's name, its posix path below the folder.
        class_name: The class predicted by the joint head (by O if there is no joint head or the image stopped after O).
        probability: Its probability, in [0, 1].
        top: Up to five (class, probability), most probable first.
        branches: (letter, class) of each reported branch, in the order O, D, C; only O if the image stopped after O.
        branch_probabilities: The probability of each of these branches for its class, in the same order, in [0, 1].
        agreement: Fraction of these branches that agree with the predicted class, in [0, 1].
        margin: Difference between the two highest probabilities, in [0, 1].
        entropy: H of Eq. 2, in nats.
        rule: Which maps made the response map R (Eq. 3): "top-1", the map of the most probable class, if H <= delta;
            "top-K", the mean over the K most probable classes, if H > delta (K is 5, or half the number of classes if
            there are fewer than ten); "saliency" for a network whose R is the mean of all features (Table 3).
        peaks: Number of peaks of R.
        peak_places: The peaks, strongest first.
        label: The true class of the image, or None.
        correct: Whether the predicted class is the label; None without a label, or if the model lacks that class.
        mode: How the peaks were assigned to D and C.
        precision: Precision of the network's layers.
        model: First 16 hexadecimal digits of the model file's SHA-256.
        error: Why there is no prediction; empty if there is one.
        seen: Whether the model has seen the image: "training" (it learned from it), "validation" (it chose the best
            epoch), "unseen", or "unknown". Empty without a prediction, and in tables of earlier versions.
        peaks_outside: How many of the peaks lie outside the object's annotated box; None if the image has no box.
    """

    file: Annotated[
        str,
        Column(
            "text",
            always=True,
            heading=Heading(title="File", meaning="Path of the image inside the folder", place=1, width=210, spared=1),
        ),
    ]
    class_name: Annotated[
        str | None,
        Column(
            "class",
            key="class",
            heading=Heading(
                title="Class",
                meaning="The predicted class: the joint prediction of all branches",
                place=2,
                width=170,
                spared=0,
            ),
        ),
    ] = None
    probability: Annotated[
        float | None,
        Column(
            "number",
            heading=Heading(
                title="Confidence",
                meaning="Probability of the predicted class",
                place=4,
                width=124,
                falling=True,
                spared=0,
            ),
        ),
    ] = None
    top: Annotated[tuple[tuple[str, float], ...], Column("ranking")] = ()
    branches: Annotated[tuple[tuple[str, str], ...], Column("branch classes")] = ()
    branch_probabilities: Annotated[tuple[float, ...], Column("branch numbers")] = ()
    agreement: Annotated[
        float | None,
        Column(
            "number",
            derive=_agreement,
            heading=Heading(
                title="Branches",
                meaning="Which branches agree with the joint prediction: filled if they agree, hollow if not",
                place=6,
                width=98,
                spared=3,
            ),
        ),
    ] = None
    margin: Annotated[
        float | None,
        Column(
            "number",
            heading=Heading(
                title="Margin",
                meaning="Probability of the first class minus that of the second: small where the model is uncertain",
                place=5,
                spared=6,
            ),
        ),
    ] = None
    entropy: Annotated[
        float | None,
        Column(
            "number",
            heading=Heading(
                title="H",
                meaning="Entropy of the original branch's prediction in nats (Eq. 2): large where it is uncertain",
                place=7,
                width=58,
                digits=2,
                spared=4,
            ),
        ),
    ] = None
    rule: Annotated[str, Column("word")] = ""
    peaks: Annotated[
        int | None,
        Column(
            "count",
            heading=Heading(
                title="Peaks", meaning="Number of peaks of the response map R", place=8, width=74, spared=5
            ),
        ),
    ] = None
    peak_places: Annotated[tuple[PeakPlace, ...], Column("places")] = ()
    label: Annotated[
        str | None,
        Column(
            "class",
            always=True,
            heading=Heading(title="Label", meaning="The true class of the image", place=3, width=170, spared=2),
        ),
    ] = None
    correct: Annotated[bool | None, Column("flag")] = None
    mode: Annotated[str, Column("text", shared=True)]
    precision: Annotated[str, Column("text", shared=True)]
    model: Annotated[str, Column("text", shared=True)]
    error: Annotated[
        str,
        Column(
            "text",
            always=True,
            heading=Heading(title="Problem", meaning="Why there is no prediction", place=9, width=160, spared=0),
        ),
    ] = ""
    seen: Annotated[str, Column("word")] = ""
    peaks_outside: Annotated[int | None, Column("count")] = None

    def _repr_html_(self) -> str:
        """Show the row in a notebook."""
        if self.error:
            lines = {"image": self.file, "error": self.error}
        else:
            likely = ", ".join(f"{displayed_class(name)} {probability_text(share)}" for name, share in self.top)
            each = ", ".join(f"{letter}: {displayed_class(name)}" for letter, name in self.branches)
            lines = {"image": self.file, "predicted class": likely, "branches": each, "peaks": str(self.peaks)}
            if self.label is not None:
                lines["true class"] = displayed_class(self.label)
                lines["seen by the model"] = self.seen or "unknown"
        cells = "".join(f"<tr><th>{escape(key)}</th><td>{escape(text)}</td></tr>" for key, text in lines.items())
        return f"<table>{cells}</table>"

    def __post_init__(self) -> None:
        if self.class_name is not None:
            for name, derive in _DERIVED:
                if getattr(self, name) is None:
                    object.__setattr__(self, name, derive(self))

    @property
    def branch_scores(self) -> tuple[tuple[str, str, float], ...]:
        """(letter, class, probability) of each reported branch."""
        return tuple(
            (letter, name, probability)
            for (letter, name), probability in zip(self.branches, self.branch_probabilities, strict=True)
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that are not in the table's header, as JSON values, without loss."""
        columns = _WITHOUT_PREDICTION if self.error else _IN_ROWS
        return {
            key: getattr(self, name) if to_json is None else to_json(getattr(self, name))
            for name, key, to_json in columns
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any], header: PredictionHeader) -> Prediction:
        """Read the result of ``to_dict``; unknown fields, from a newer version, are ignored.

        Raises:
            KeyError, TypeError, ValueError: The fields are not those of a row.
        """
        values = {
            name: fields[key] if from_json is None else from_json(fields[key])
            for name, key, from_json in _READ
            if key in fields
        }
        values.update(mode=header.mode, precision=header.precision, model=header.model)
        return cls(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionHeader:
    """The header of a table, common to all rows; tables can be joined only if it is the same.

    Attributes:
        model: Digest of the model file.
        mode: How the peaks were assigned to D and C.
        precision: Precision of the network's layers.
        classes: The model's class names, by index.
        images: Fingerprint of the list of images (``fingerprint``).
        count: Number of images.
        view_share: The share of an image's area that the network sees, in (0, 1]; None if it depends on the image's
            shape, or in a table of an earlier version.
        place_cells: Places are accurate to about 1 / ``place_cells`` of the side of what the network sees; None in a
            table of an earlier version.
        stop_below: Images with H (nats) up to this value stopped after O; None: none did.
        passes: Mean number of backbone passes per predicted image, in a finished table with ``stop_below``.
        warnings: Sentences about images whose values do not fit the model's range, in a finished table.
        weights_licence: Licence of the weights that the model began with, if a person must be told (`WeightLicence.short`).
    """

    model: str
    mode: str
    precision: str
    classes: tuple[str, ...]
    images: str
    count: int
    view_share: float | None = field(default=None, compare=False)
    place_cells: int | None = field(default=None, compare=False)
    stop_below: float | None = None
    passes: float | None = field(default=None, compare=False)
    warnings: tuple[str, ...] = field(default=(), compare=False)
    weights_licence: str = field(default="", compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values, without loss; warnings, a licence and those of a cascade only if there are any."""
        fields: dict[str, Any] = to_json(self)
        if not self.weights_licence:
            del fields["weights_licence"]
        if not self.warnings:
            del fields["warnings"]
        if self.stop_below is None:
            del fields["stop_below"], fields["passes"]
        return fields

    def difference(self, other: PredictionHeader) -> str:
        """Return how ``other`` differs, as a clause; empty if the headers match."""
        if other.model != self.model or other.classes != self.classes:
            return f"another model ({other.model}, not {self.model})"
        if other.mode != self.mode:
            return f"another sampling mode ({other.mode}, not {self.mode})"
        if other.precision != self.precision:
            return f"another precision ({other.precision}, not {self.precision})"
        if other.stop_below != self.stop_below:
            return f"another --stop-below ({_shown(other.stop_below)}, not {_shown(self.stop_below)})"
        if other != self:
            return f"other images ({other.count} then, {self.count} now, or some of them have changed)"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionProgress:
    """The progress of a prediction job.

    Attributes:
        done: Number of images with a row on disk.
        total: Number of all images.
        resumed: How many of ``done`` come from an earlier, interrupted job.
        unreadable: How many of ``done`` have no prediction.
        seconds: Seconds since this job started.
        finished: Whether the table is finished.
        passes: Mean number of backbone passes per predicted image, at the end of a job with ``stop_below``.
        seen: How many of the predicted images the model has seen, at the end of a job.
        warnings: At the end: sentences about images whose values do not fit the model's range.
    """

    done: int
    total: int
    resumed: int
    unreadable: int
    seconds: float
    finished: bool = False
    passes: float | None = None
    seen: SeenCounts | None = None
    warnings: tuple[str, ...] = ()

    @property
    def images_per_second(self) -> float:
        """Images per second of this job; 0 before its first batch."""
        return (self.done - self.resumed) / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds left; None before the first batch."""
        rate = self.images_per_second
        return (self.total - self.done) / rate if rate > 0 else None


def fingerprint(records: Iterable[ImageRecord], classes: Sequence[str] = ()) -> str:
    """Return a hash (32 hexadecimal digits) of a list of images: order, names, labels, and their states (`image_state`).

    Reads no files; needs one ``stat`` per file. Moving the whole folder does not change the hash, provided that
    modification times are kept.

    Args:
        records: The images.
        classes: Names of the records' labels.
    """
    digest = hashlib.blake2b(digest_size=16)
    for record in records:
        label = label_name(record, classes)
        digest.update(f"{record.name}\0{label}\0{image_state(record)}\n\0".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def image_state(record: ImageRecord) -> str:
    """Return what decides whether a stored row of an image still holds, beside its name and label.

    This is the file's size, its modification time in whole seconds (archives and some file systems keep no more), and what the
    data set says of the image: banner, box and key points.
    """
    try:
        status = os.stat(record.path)
        state = f"{status.st_size}\0{int(status.st_mtime)}"
    except OSError:
        state = "missing"
    if record.banner or record.annotation:
        state += f"\0{record.banner}\0{record.box}\0{record.parts}"
    return state


def _shown(threshold: float | None) -> str:
    return "none" if threshold is None else str(threshold)


def label_name(record: ImageRecord, classes: Sequence[str]) -> str | None:
    """Return the name of a record's class, or None if it has no label or the label has no name."""
    if record.label is None or not 0 <= record.label < len(classes):
        return None
    return classes[record.label]


def six_digits(number: float) -> float:
    """Round to the six significant digits that float32 supports."""
    return float(f"{float(number):.6g}")


def peak_place(x: float, y: float, response: float, weight_d: float, weight_c: float) -> PeakPlace:
    """Round the values of a peak: pixels to tenths, R and the memberships to four decimals."""
    response, weight_d, weight_c = (round(float(value), 4) for value in (response, weight_d, weight_c))
    return round(float(x), 1), round(float(y), 1), response, weight_d, weight_c


def count_outside(places: Iterable[PeakPlace], annotation: Annotation) -> int | None:
    """Return how many peaks lie outside the annotated box; None without a box."""
    return None if annotation.box is None else sum(annotation.is_outside(x, y) for x, y, *_ in places)


COLUMNS = columns_of(Prediction)
"""The columns of a table of predictions, in CSV order."""

_IN_ROWS = tuple((column.name, column.key, column.to_json) for column in COLUMNS if not column.shared)
_WITHOUT_PREDICTION = tuple((column.name, column.key, column.to_json) for column in COLUMNS if column.always)
_READ = tuple((column.name, column.key, column.from_json) for column in COLUMNS if not column.shared)
_DERIVED = tuple((column.name, column.derive) for column in COLUMNS if column.derive)
