"""The user's changes to a data set's split, which override what its folder says.

They are stored as a note in the program's own folder: a test share, drawn evenly from each class, for a data set
without a split of its own; and the split of single images, which takes precedence over everything else. The data set's
folder is never written to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.notes import note_file, read_note, write_note
from s3n_core.datasets.records import DataSet, ImageRecord, Split
from s3n_core.datasets.splits import SPLIT_NAMES, SplitName
from s3n_core.datasets.stratified import Draw, draw_share, free_to_draw
from s3n_core.errors import DataSetError
from s3n_core.runs.earlier_versions import current_name

MOST_TEST_SHARE = 0.9
TEST = "test"
"""The ``purpose`` of `keyed_draw` for the test split."""

_KIND = "assignments"
_SPLITS: dict[SplitName, Split] = {"train": "train", "validation": "val", "test": "test"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """The split that the user has chosen.

    Attributes:
        test_share: Share of the labelled images to test on, 0 to 0.9; ignored if the data set has a split of its own.
        test_seed: Seed of the draw of these images.
        parts: Split of single images, by image name.
    """

    test_share: float = 0.0
    test_seed: int = 0
    parts: Mapping[str, SplitName] = field(default_factory=dict)

    def merged(self, before: Assignment, after: Assignment) -> Assignment:
        """Return this assignment after what has changed from one state of it to another, whatever else it holds."""
        same_draw = (after.test_share, after.test_seed) == (before.test_share, before.test_seed)
        draw = self if same_draw else after
        seed = draw.test_seed if draw.test_share else after.test_seed  # a seed without a share is not saved
        kept = {name: part for name, part in self.parts.items() if name in after.parts or name not in before.parts}
        moved = {name: part for name, part in after.parts.items() if before.parts.get(name) != part}
        return Assignment(test_share=draw.test_share, test_seed=seed, parts=kept | moved)


def assignment_file(root: Path) -> Path:
    """Return the path of the file that stores a data set's assignment; it need not exist."""
    return note_file(_KIND, root)


def read_assignment(root: Path) -> Assignment:
    """Read the assignment saved for a data set's folder, or return the default if there is none.

    Raises:
        DataSetError: The file cannot be read.
    """
    try:
        content = read_note(_KIND, root) or {}
        try:
            share, seed = float(content.get("test_share", 0.0)), int(content.get("test_seed", 0))
            parts = {str(name): _part(part) for name, part in dict(content.get("parts", {})).items()}
            if not 0 <= share <= MOST_TEST_SHARE:
                raise ValueError(f"a test share of {share}")
        except (ValueError, TypeError) as error:
            raise DataSetError(f"{assignment_file(root)} is not valid ({error})") from error
    except DataSetError as error:
        raise DataSetError(
            f"The chosen split of {root} cannot be read: {error}. Fix or delete this file; until then nothing is "
            "trained, because test images could be used for training."
        ) from error
    return Assignment(test_share=share, test_seed=seed, parts=parts)


def write_assignment(root: Path, assignment: Assignment) -> None:
    """Save an assignment; the default one removes the file.

    Raises:
        OutputError: The file cannot be written.
    """
    share = {"test_share": assignment.test_share, "test_seed": assignment.test_seed} if assignment.test_share else {}
    parts = {"parts": dict(sorted(assignment.parts.items()))} if assignment.parts else {}
    write_note(_KIND, root, share | parts)


def may_share(data_set: DataSet) -> bool:
    """Return whether a test share can be drawn: the data set has labels and its folder defines no split."""
    records = (data_set.original or data_set).records
    return bool(data_set.classes) and all(record.split is None for record in records)


def assign(data_set: DataSet, assignment: Assignment, *, draw: Draw | None = None) -> DataSet:
    """Return the data set with every labelled image moved to its assigned split.

    Args:
        data_set: As opened, or with an earlier assignment, which is replaced.
        assignment: The chosen split; names that the data set does not have are ignored.
        draw: ``keyed_draw(assignment.test_seed, TEST)``, possibly cached by the caller.
    """
    plain = data_set.original or data_set
    parts = {
        r.name: assignment.parts[r.name] for r in plain.records if r.label is not None and r.name in assignment.parts
    }
    unsplit = may_share(plain)
    tested: frozenset[str] = frozenset()
    if unsplit and assignment.test_share > 0:
        free = free_to_draw((record for record in plain.records if record.label is not None), parts)
        tested = draw_share(free, assignment.test_share, assignment.test_seed, TEST, draw=draw) if free else tested
    if not parts and not tested:
        return plain

    def moved(record: ImageRecord) -> ImageRecord:
        split = record.split
        if record.name in parts:
            split = _SPLITS[parts[record.name]]
        elif unsplit and record.label is not None:
            split = "test" if record.name in tested else "train"
        return record if split == record.split else replace(record, split=split)

    records = tuple(map(moved, plain.records))
    return replace(plain, records=records, by_hand=frozenset(parts), original=plain)


def assigned(data_set: DataSet) -> DataSet:
    """Return a data set with its saved assignment applied.

    Raises:
        DataSetError: The assignment cannot be read.
    """
    return assign(data_set, read_assignment(data_set.root))


def open_assigned(root: Path, format: str = "auto") -> DataSet:
    """Open a data set folder and apply its saved assignment.

    Raises:
        DataSetError: As `open_data_set`; or the assignment cannot be read.
    """
    return assigned(open_data_set(root, format))


def assignment_sentence(data_set: DataSet) -> str:
    """Describe how a data set's split differs from its folder's; empty if it does not."""
    if data_set.original is None:
        return ""
    by_hand = len(data_set.by_hand)
    drawn = any(r.split == "test" and r.name not in data_set.by_hand for r in data_set.records) and may_share(data_set)
    clauses = ["a random test share"] if drawn else []
    clauses += [f"{by_hand} image{'' if by_hand == 1 else 's'} assigned by hand"] if by_hand else []
    parts = ", ".join(f"{len(data_set.of_split(split))} {split}" for split in data_set.splits() if split is not None)
    return (
        f"The split differs from the folder's ({' and '.join(clauses)}): {parts}. "
        f"It is saved in {assignment_file(data_set.root)}."
    )


def _part(text: object) -> SplitName:
    part = current_name(str(text))
    for known in SPLIT_NAMES:
        if part == known:
            return known
    raise ValueError(f"'{text}' is none of {', '.join(SPLIT_NAMES)}")
