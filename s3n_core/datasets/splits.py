"""The validation set, drawn from the training images, and the file ``split.csv`` that records the split of a run."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from s3n_core.datasets.records import DataSet, ImageRecord, comparable_class
from s3n_core.datasets.stratified import Draw, draw_share, free_to_draw
from s3n_core.errors import DataSetError
from s3n_core.runs.earlier_versions import current_name
from s3n_core.system.atomic_files import write_bytes

SplitName = Literal["train", "validation", "test"]
SPLIT_NAMES: tuple[SplitName, ...] = get_args(SplitName)
VALIDATION: SplitName = "validation"
"""The images that choose the best epoch."""
VALIDATION_DRAW = "held-out"
"""The ``purpose`` of `keyed_draw` for the validation set; fixed, so that older runs draw the same images."""

_COLUMNS = ("name", "label", "class", "part")


@dataclass(frozen=True, slots=True)
class SplitRow:
    """One line of ``split.csv``.

    Attributes:
        name: The image's name in the data set.
        label: Its class index, None for an image without a label.
        class_name: Its class, empty for an image without a label.
        part: Its split.
    """

    name: str
    label: int | None
    class_name: str
    part: SplitName


def split_validation(
    records: Iterable[ImageRecord],
    fraction: float,
    seed: int,
    *,
    by_hand: Collection[str] = (),
    draw: Draw | None = None,
) -> tuple[tuple[ImageRecord, ...], tuple[ImageRecord, ...]]:
    """Split the labelled images that are not test images into a training and a validation set.

    Images that the data set assigns to "val" are the validation set. If there are none, it is drawn from the images
    assigned to "train" (or to no split): as close to ``fraction`` of each class as whole images allow, ``fraction`` of
    all images in total, and never the last image of a class. Test images are never used.

    Args:
        records: All records of a data set.
        fraction: Validation share, 0 <= fraction < 1.
        seed: Decides which images; the recipe's ``split_seed``, so it does not depend on the training's seed.
        by_hand: Names of images whose split the user has chosen: they and their groups stay there, and the draw is among
            the others.
        draw: ``keyed_draw(seed, VALIDATION_DRAW)``, possibly cached by the caller.

    Returns:
        (training, validation), each sorted by name.

    Raises:
        DataSetError: There is no labelled training image; or a group lies in training and in validation or test.
    """
    if not 0 <= fraction < 1:
        raise ValueError(f"fraction must lie in [0, 1), not {fraction}")
    labelled = sorted((record for record in records if record.label is not None), key=lambda record: record.name)
    training = [record for record in labelled if record.split in ("train", None)]
    if not training:
        raise DataSetError("The data set has no labelled training images, so no model can be trained on it.")
    shared = shared_groups(labelled)
    if shared:
        raise DataSetError(
            f"{len(shared)} group{'s' if len(shared) > 1 else ''} of images (such as {shared[0]}) lie both in training and in "
            "validation or test, which would make these too easy: give all images of a group the same split."
        )
    held = {record.name for record in labelled if record.split == "val"}
    candidates = free_to_draw(training, by_hand)
    if held <= set(by_hand) and fraction > 0 and candidates:
        held |= draw_share(candidates, fraction, seed, VALIDATION_DRAW, draw=draw)
    return (
        tuple(record for record in training if record.name not in held),
        tuple(record for record in labelled if record.name in held),
    )


def shared_groups(records: Iterable[ImageRecord]) -> tuple[str, ...]:
    """Return the groups of which some images are for training and others for validation or test, sorted."""
    splits: dict[str, set[bool]] = {}
    for record in records:
        # Labelled images without a split are trained on.
        if record.group is not None and (record.split is not None or record.label is not None):
            splits.setdefault(record.group, set()).add(record.split in ("train", None))
    return tuple(sorted(group for group, kinds in splits.items() if len(kinds) > 1))


def write_split(
    path: Path,
    *,
    train: Sequence[ImageRecord],
    validation: Sequence[ImageRecord],
    test: Sequence[ImageRecord],
    classes: Sequence[str],
) -> None:
    """Write ``split.csv``: UTF-8, columns name, label, class, part.

    Raises:
        OutputError: The file cannot be written.
    """
    text = io.StringIO()
    # Quote all text: before Python 3.13, csv does not quote a carriage return, which then ends the line on reading.
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(_COLUMNS)
    for part, records in zip(SPLIT_NAMES, (train, validation, test), strict=True):
        for record in records:
            class_fields = ("", "") if record.label is None else (record.label, classes[record.label])
            writer.writerow((record.name, *class_fields, part))
    # On Linux and Windows, names that are not valid Unicode contain lone surrogates. They are kept, to find the files.
    write_bytes(path, text.getvalue().encode("utf-8", "surrogatepass"))


def read_split(path: Path) -> tuple[SplitRow, ...]:
    """Read a file written by ``write_split``.

    Raises:
        DataSetError: The file is missing or is not a split file; the message names the line.
    """
    try:
        text = path.read_bytes().decode("utf-8", "surrogatepass")
    except OSError as error:
        raise DataSetError(f"{path} cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise DataSetError(f"{path} is not UTF-8 text, so it is not a split file.") from error
    reader = csv.reader(io.StringIO(text, newline=""))
    rows: list[SplitRow] = []
    try:
        if tuple(next(reader, ())) != _COLUMNS:
            raise DataSetError(f"{path}: expected the columns {', '.join(_COLUMNS)} in its first line.")
        for fields in reader:
            rows.append(_row(fields))
    except (ValueError, csv.Error) as error:
        raise DataSetError(f"{path}:{reader.line_num}: this is not a line of a split file ({error}).") from error
    return tuple(rows)


def _row(fields: Sequence[str]) -> SplitRow:
    name, label, class_name, text = fields
    part = current_name(text)
    for known in SPLIT_NAMES:
        if part == known:
            return SplitRow(name, int(label) if label else None, comparable_class(class_name), known)
    raise ValueError(f"'{text}' is none of {', '.join(SPLIT_NAMES)}")


def validation_records(path: Path, data_set: DataSet) -> tuple[ImageRecord, ...]:
    """Return the records of a split file's validation images, in its order.

    Args:
        path: The split file of a run.
        data_set: The data set that the run was trained on, wherever it is now.

    Raises:
        DataSetError: The file cannot be read or has no validation images; or the data set lacks one of the images, or
            gives it another class.
    """
    rows = [row for row in read_split(path) if row.part == VALIDATION]
    if not rows:
        raise DataSetError(f"There are no validation images, as {path} says; choose train or test, or all.")
    by_name = {record.name: record for record in data_set.records}
    found: list[ImageRecord] = []
    for row in rows:
        record = by_name.get(row.name)
        if record is None:
            raise DataSetError(
                f"{data_set.root / row.name}, which is in the validation set of the run, is not in the data set (any "
                "more); use the data set that the run was trained on."
            )
        class_name = "" if record.label is None else data_set.classes[record.label]
        if class_name != row.class_name:
            raise DataSetError(
                f"{record.path} now has the class '{class_name}', but '{row.class_name}' in the run's split."
            )
        found.append(record)
    return tuple(found)
