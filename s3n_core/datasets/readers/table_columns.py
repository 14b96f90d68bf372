"""What the columns of a label table mean: which names the images, which holds the classes, splits and groups.

The columns are found by what they hold: one names images (with or without suffix and folder), one holds the classes, or each
class has a column of zeros and ones. A column ``split`` or ``fold`` gives the split, a column ``group`` (``patient``,
``specimen``, ``video`` ...) what must stay together.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from s3n_core.datasets.file_formats import is_image_file
from s3n_core.datasets.readers.image_index import ImageIndex
from s3n_core.datasets.readers.split_names import SplitRole, role_of, split_of
from s3n_core.datasets.readers.tables import Table
from s3n_core.datasets.readers.text_files import some
from s3n_core.datasets.records import Split
from s3n_core.errors import DataSetError

_SAMPLE = 500  # rows by which the column of images is found
_MOST = 5  # columns or classes that a message names

_IMAGE_WORDS = frozenset(
    {"id", "image", "img", "file", "filename", "path", "filepath", "photo", "picture", "name", "fname"}
)
_LABEL_NAMES = (
    ("label", "labels", "class", "classes", "target"),
    ("category", "species", "breed", "variety", "cultivar", "diagnosis", "disease", "type", "kind", "y", "tag", "tags"),
    ("name", "title", "text", "caption"),
)
_SPLIT_NAMES = frozenset({"split", "set", "subset", "partition", "fold", "folds", "kfold", "usage", "phase"})
_HEADINGS = _IMAGE_WORDS.union(*_LABEL_NAMES, _SPLIT_NAMES)
_FLAGS: Mapping[str, Split] = {"valid": "val", "val": "val", "validation": "val", "test": "test", "train": "train"}
_GROUP_NAMES = frozenset(
    {"group", "groups", "patient", "subject", "specimen", "individual", "animal", "plant", "video", "clip", "sequence"}
    | {"case", "participant", "person", "scene", "site", "session"}
)
_ID_WORDS = frozenset({"id", "ids", "name", "number", "no", "nr", "key", "code"})
_BOX_NAMES = frozenset(
    {"xmin", "ymin", "xmax", "ymax", "x1", "y1", "x2", "y2", "bbox", "width", "height", "w", "h", "x", "y"}
)
_TRUE, _FALSE = frozenset({"1", "1.0", "true", "yes"}), frozenset({"0", "0.0", "false", "no", ""})
_NUMBER = re.compile(r"[-+]?\d*\.\d+(?:[eE][-+]?\d+)?")
_WORDS = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class TableLabels:
    """What one table says.

    Attributes:
        table: The table.
        images: The image of each row, as a name below the root; None where there is none.
        labels: The class of each row; None where the row has none. None: the table has no classes.
        splits: The split of each row; None: the table does not say.
        groups: The group of each row; None: the table does not say.
        no_splits: What stands in the column of the split and is no split, such as "unused" or "inference", by the number of its
            row.
        what: Which columns were read, for a person.
        certain: Whether a heading names the classes, or each class has a column.
    """

    table: Table
    images: tuple[str | None, ...]
    labels: tuple[str | None, ...] | None
    splits: tuple[Split | None, ...] | None
    groups: tuple[str | None, ...] | None
    no_splits: Mapping[int, str]
    what: str
    certain: bool


def understand(table: Table, folder: str, index: ImageIndex) -> TableLabels | None:
    """Find the columns of a table; None where it names no image of the folder.

    Raises:
        DataSetError: It names images, but which column names them or holds the classes is not clear, or they are no classes.
    """
    folder = "" if folder == "." else folder
    # An image may be called like a heading: image.jpg is not what the heading "image" names.
    cells = [cell.strip() for cell in table.columns]
    if any(cell.lower() not in _HEADINGS and index.find(cell, folder) for cell in cells):
        table = table.without_headings()
    image_column = _image_column(table, folder, index)
    if image_column is None:
        return None
    images = tuple(index.find(row[image_column].strip(), folder) for row in table.rows)
    words = [words_of(column) for column in table.columns]
    rest = [number for number in range(len(table.columns)) if number != image_column]
    splits, used, no_splits = _splits(table, rest, words)
    group_column = next((n for n in rest if n not in used and _is_group(words[n])), None)
    rest = [n for n in rest if n not in used and n != group_column and table.columns[n]]
    groups = None if group_column is None else tuple(row[group_column].strip() or None for row in table.rows)
    labels, what, certain = _labels(table, rest, words, images)
    return TableLabels(table, images, labels, splits, groups, no_splits, what, certain)


def _image_column(table: Table, folder: str, index: ImageIndex) -> int | None:
    """Return the column whose cells name most images; None where none names as many as half of its rows.

    File names come before numbers: these may only count the rows.

    Raises:
        DataSetError: Two columns name different images, and neither is more likely.
    """
    step = max(1, len(table.rows) // _SAMPLE)
    sample = table.rows[::step]
    scores: dict[int, tuple[int, int, bool]] = {}
    images: dict[int, list[str | None]] = {}
    for number, column in enumerate(table.columns):
        cells = [row[number].strip() for row in sample]
        images[number] = [index.find(cell, folder) for cell in cells]
        hits = {name: cell for name, cell in zip(images[number], cells, strict=True) if name is not None}
        named = bool(_IMAGE_WORDS & set(words_of(column)))
        if hits and (named or 2 * len(hits) >= len(set(cells))):
            scores[number] = (sum(map(is_image_file, hits.values())), len(hits), named)
    if not scores:
        return None
    most = max(hits for _, hits, _ in scores.values())
    # Few files beside many numbers are something else, such as a picture that several images are compared with.
    scores = {n: (files if 2 * files >= most else 0, hits, named) for n, (files, hits, named) in scores.items()}
    first, *others = [number for number, score in scores.items() if score == max(scores.values())]
    if any(images[number] != images[first] for number in others):
        names = [table.columns[number] or f"column {number + 1}" for number in (first, *others)]
        raise DataSetError(
            f"{table.file} has several columns that could name the images ({some(names, _MOST)}), and they name different "
            "ones: leave only the right one in the table."
        )
    return first


def _splits(
    table: Table, rest: Sequence[int], words: Sequence[list[str]]
) -> tuple[tuple[Split | None, ...] | None, set[int], dict[int, str]]:
    """Return the split of each row, the columns that say it, and what stands there but is no split, by row."""
    for number in rest:
        if not _SPLIT_NAMES & set(words[number]):
            continue
        cells = [cell.strip() for cell in table.column(number)]
        roles = {cell: _role(cell) for cell in set(cells) if cell}
        if any(roles.values()):  # one word of another kind does not make the test images images for training
            by_cell = {cell: known for cell, role in roles.items() if role and (known := split_of(role))}
            no_splits = {row: cell for row, cell in enumerate(cells) if cell and cell not in by_cell}
            return tuple(by_cell.get(cell) for cell in cells), {number}, no_splits
        folds = {cell for cell in cells if cell}
        if len(folds) > 1 and all(re.fullmatch(r"-?\d+(?:\.0)?", cell) for cell in folds):
            first = min(folds, key=float)
            return tuple(None if not cell else "val" if cell == first else "train" for cell in cells), {number}, {}
    flags = {
        n: flag for n in rest if words[n][:1] == ["is"] and (flag := _FLAGS.get(words[n][1] if words[n][1:] else ""))
    }
    flags = {n: flag for n, flag in flags.items() if _binary(table.column(n))}
    if not flags:
        return None, set(), {}
    other: Split = "train" if "train" not in flags.values() else "test"

    def split(row: Sequence[str]) -> Split:
        return next((flag for n, flag in flags.items() if row[n].strip().lower() in _TRUE), other)

    return tuple(split(row) for row in table.rows), set(flags), {}


def _role(cell: str) -> SplitRole | None:
    return "train" if cell.lower() == "trainval" else role_of(cell)


def _labels(
    table: Table, rest: Sequence[int], words: Sequence[list[str]], images: Sequence[str | None]
) -> tuple[tuple[str | None, ...] | None, str, bool]:
    """Return the class of each row, which columns say it, and whether a heading says so."""
    candidates = [
        n for n in rest if not _BOX_NAMES & {table.columns[n].lower()} and any(cell.strip() for cell in table.column(n))
    ]
    flags = [n for n in rest if _binary(table.column(n))]
    # A class of zeros and ones under its own heading, beside another such column, is no class for each of the two.
    named = any(table.columns[n].lower() in _LABEL_NAMES[0] for n in candidates)
    if not named and len(flags) >= 2 and 2 * len(flags) > len(rest):
        return _one_hot(table, flags), f"{len(flags)} columns of zeros and ones", True
    if not candidates:
        return None, "", False
    number, certain = _label_column(table, candidates, words)
    cells = table.column(number)
    _require_classes(table, number, cells, images)
    stripped = [cell.strip() for cell in cells]
    if len(set(stripped)) == len(
        set(cells)
    ):  # else two classes differ by their outer blanks only: they stay, and are pointed out
        cells = stripped
    return tuple(cell if cell.strip() else None for cell in cells), f"column {table.columns[number]}", certain


def _label_column(table: Table, candidates: Sequence[int], words: Sequence[list[str]]) -> tuple[int, bool]:
    for names in _LABEL_NAMES:
        exact = [n for n in candidates if table.columns[n].lower() in names]
        named = exact or [n for n in candidates if set(names) & set(words[n])]
        if named:
            return _textual(table, named), names is not _LABEL_NAMES[-1]
    if len(candidates) == 1:
        return candidates[0], False
    likely = [n for n in candidates if 2 <= len(set(table.column(n))) <= max(2, len(table.rows) // 2)]
    if likely and all(_same_classes(table, likely[0], n) for n in likely):
        return _textual(table, likely), False
    raise DataSetError(
        f"{table.file} has several columns that could be the classes "
        f"({some([table.columns[n] for n in candidates], _MOST)}): call the "
        "right one 'label'."
    )


def _textual(table: Table, columns: Sequence[int]) -> int:
    """Return the first of several columns; one that names the same classes by words goes before one that numbers them."""
    first = columns[0]
    for number in columns[1:]:
        if (
            _is_numbers(table.column(first))
            and not _is_numbers(table.column(number))
            and _same_classes(table, first, number)
        ):
            return number
    return first


def _one_hot(table: Table, flags: Sequence[int]) -> tuple[str | None, ...]:
    labels: list[str | None] = []
    for row, cells in enumerate(table.rows):
        on = [n for n in flags if cells[n].strip().lower() in _TRUE]
        if len(on) > 1:
            raise _multi_label(table, row, some([table.columns[n] for n in on], _MOST))
        labels.append(table.columns[on[0]] if on else None)
    return tuple(labels)


def _require_classes(table: Table, number: int, cells: Sequence[str], images: Sequence[str | None]) -> None:
    """Refuse what is no class per image: several classes in a cell, several rows of an image, measured numbers.

    Raises:
        DataSetError: The message says which, with the line.
    """
    known = {cell.strip() for cell in cells if cell.strip()}
    for separator in ("|", ";", ",", "/", " "):
        uses = Counter(atom for cell in known for atom in _atoms(cell, separator))
        several = [cell for cell in known if len(_atoms(cell, separator)) > 1]
        atoms = {atom for cell in several for atom in _atoms(cell, separator)}
        # Several classes in a cell, not a name with a comma: what it is made of occurs in other cells as well. Names of two words
        # share words (black cat, white cat), so each has to be a class of its own, too.
        alone = separator not in " /" or atoms <= known
        if several and alone and all(uses[atom] > 1 for atom in atoms):
            row = next(row for row, cell in enumerate(cells) if cell.strip() in several)
            raise _multi_label(table, row, cells[row].strip())
    by_image: dict[str, set[str]] = defaultdict(set)
    for name, cell in zip(images, cells, strict=True):
        if name is not None and cell.strip():
            by_image[name].add(cell.strip())
    several = [name for name, labels in by_image.items() if len(labels) > 1]
    if len(several) > max(1, len(by_image) // 20):
        row = next(row for row, name in enumerate(images) if name == several[0])
        raise _multi_label(table, row, some(sorted(by_image[several[0]]), _MOST))
    if len(known) > 2 and all(_NUMBER.fullmatch(cell) for cell in known) and any(float(cell) % 1 for cell in known):
        raise DataSetError(
            f"{table.file}: the column {table.columns[number]!r} holds measured numbers "
            f"({some(sorted(known), _MOST)}), not classes."
        )


def _atoms(cell: str, separator: str) -> set[str]:
    return {atom.strip() for atom in cell.split(separator) if atom.strip()}


def _multi_label(table: Table, row: int, shown: str) -> DataSetError:
    return DataSetError(
        f"{table.place(row)}: this image has several classes ({shown}). Networks of this program give each image one "
        "class: leave one class per image in the table."
    )


def _binary(cells: Sequence[str]) -> bool:
    values = {cell.strip().lower() for cell in cells}
    return values <= _TRUE | _FALSE and bool(values & _TRUE)


def _is_group(words: Sequence[str]) -> bool:
    return bool(set(words) & _GROUP_NAMES) and set(words) <= _GROUP_NAMES | _ID_WORDS


def _is_numbers(cells: Sequence[str]) -> bool:
    return all(cell.strip().isdecimal() for cell in cells if cell.strip())


def _same_classes(table: Table, one: int, other: int) -> bool:
    """Return whether two columns divide the rows into the same classes."""
    pairs = set(zip(table.column(one), table.column(other), strict=True))
    return len(pairs) == len({first for first, _ in pairs}) == len({second for _, second in pairs})


def words_of(name: str) -> list[str]:
    """Return the words of a heading or a file's name, in lower case: "imageID 2" and "image_id-2" have the same."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return [word.lower() for word in _WORDS.findall(spaced)]
