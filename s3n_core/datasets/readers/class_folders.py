"""Reader of class folders: one folder per class, its images anywhere in it, with or without split folders.

    root/sparrow/1.jpg        root/train/sparrow/1.jpg    root/test/sparrow/2.jpg        root/sparrow/train/1.jpg

`split_names` says which folders are splits. A split folder without class folders holds images without labels. The classes are
the names of the folders, over all splits together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from s3n_core.datasets.readers.folder_tree import FolderTree, join
from s3n_core.datasets.readers.split_names import SplitRole, role_of, split_of, split_roles
from s3n_core.datasets.readers.text_files import some
from s3n_core.datasets.records import SPLITS, DataSet, ImageRecord, Problem, Split, comparable_class
from s3n_core.datasets.skipped_files import skipped_sentence
from s3n_core.errors import DataSetError

TITLE = "class folders"
FORMAT = "class-folders"

Reading = Literal["auto", "classes", "splits", "second level"]

_FEW = 0.2  # images beside class folders are strays, and have no class, if they are fewer than this share of all
_ORDER: tuple[SplitRole, ...] = (*SPLITS, "unlabelled")


@dataclass(frozen=True, slots=True)
class _Place:
    """A folder of class folders, or of images without labels.

    Attributes:
        below: The folder, as a POSIX path below the root.
        split: Its split.
        classes: Its class folders: class names by the folders' paths below the root. Empty: its images have no labels.
        splits: The splits of class folders that have one of their own, by path.
    """

    below: str
    split: Split | None
    classes: Mapping[str, str]
    splits: Mapping[str, Split | None] = field(default_factory=dict)


class ClassFolders:
    """One way to read class folders.

    Args:
        format: Its name.
        title: Its name for a person.
        reading: Whether folders with the names of splits are splits: "auto" (as `split_names` says), "classes" (never) or
            "splits" (wherever they are called so); "second level": classes are pairs of folder and subfolder.
    """

    def __init__(self, format: str = FORMAT, title: str = TITLE, reading: Reading = "auto") -> None:
        self.FORMAT = format
        self.TITLE = title
        self._reading: Reading = reading

    def matches(self, tree: FolderTree) -> bool:
        """Return whether a folder contains class folders; a few images beside them are no obstacle."""
        return self.count(tree) > 0

    def count(self, tree: FolderTree) -> int:
        """Return the number of classes that detection finds; 0 for a reading that is chosen by hand only."""
        if self._reading != "auto" or not tree.root.is_dir():
            return 0
        places, *_ = _places(tree, "auto")
        return len({comparable_class(name) for place in places for name in place.classes.values()})

    def read(self, tree: FolderTree) -> DataSet:
        """Read class folders.

        Empty class folders and images outside class folders become ``problems``; such images have no label.

        Raises:
            DataSetError: No class folder contains an image; or the folders can be read in several ways.
        """
        places, title, remarks, problems = _places(tree, self._reading)
        found = [item for place in places for item in _images(tree, place, problems)]
        if not any(name for name, _, _ in found):
            raise DataSetError(
                f"{tree.root} contains no class folders with images: put the images of each class into its own folder. "
                f"{skipped_sentence(tree.skipped)}".rstrip()
            )
        classes = tuple(sorted({name for name, _, _ in found if name is not None}))
        labels = {name: label for label, name in enumerate(classes)}
        records = tuple(
            ImageRecord(path=tree.path(path), name=path, label=None if name is None else labels[name], split=split)
            for name, path, split in found
        )
        return DataSet(
            root=tree.root,
            format=self.FORMAT,
            title=title,
            classes=classes,
            records=records,
            problems=(*tree.problems, *problems),
            skipped=tree.skipped,
            remarks=remarks,
        )


READERS = (
    ClassFolders(),
    ClassFolders("class-folders:classes", f"{TITLE}, none of them a split", "classes"),
    ClassFolders("class-folders:splits", f"{TITLE} in split folders", "splits"),
    ClassFolders("class-folders:2", f"{TITLE} of the second level", "second level"),
)


def flat_splits(tree: FolderTree) -> tuple[str, ...]:
    """Return the folders that have the names of splits and hold images without class folders, where there is nothing else."""
    roles = split_roles(tree.image_folders()) if not tree.listing().images else {}
    inner = {name: _inside(tree, name, roles) for name in roles}
    return tuple(roles) if roles and not any(_class_folders(tree, below) for below in inner.values()) else ()


_Places = tuple[list[_Place], str, tuple[str, ...], list[Problem]]


def _places(tree: FolderTree, reading: Reading) -> _Places:
    """Return what to read: the places, a title, remarks for a person, and problems. No place: these are no class folders.

    Raises:
        DataSetError: Some folders have the names of splits, others not, and nothing tells what they are.
    """
    folders = tree.image_folders()
    direct = tree.listing().images
    if not folders:
        return [], TITLE, (), []
    if reading == "auto" and direct and (len(folders) < 2 or len(direct) > _FEW * len(tree.images())):
        return [], TITLE, (), []
    if reading == "second level":
        return [_second_level(tree)], f"{TITLE} of the second level", (), []
    if reading == "classes":
        return [_Place("", None, {name: name for name in folders})], TITLE, _levels(tree, folders), []
    roles = split_roles(folders)
    strays = [name for name in folders if role_of(name) is None] if reading == "splits" else []
    if reading == "splits":
        named = {name: role for name in folders if (role := role_of(name)) is not None}
        roles = roles or named
    if roles:
        places, remarks = _split_places(tree, roles)
        if any(place.classes for place in places):
            problems = [
                Problem(tree.path(name), "it is not one of the split folders and was ignored") for name in strays
            ]
            return places, f"{TITLE} in split folders", remarks, problems
        if len(roles) > 1 or reading == "splits":
            return [], TITLE, (), []
    elif _is_split_within_class(tree, folders):
        return _within_classes(tree, folders), f"{TITLE} with split folders inside", (), []
    _refuse_ambiguous(tree, folders)
    return [_Place("", None, {name: name for name in folders})], TITLE, _levels(tree, folders), []


def _split_places(tree: FolderTree, roles: Mapping[str, SplitRole]) -> tuple[list[_Place], tuple[str, ...]]:
    """Return the places of split folders, and what to say of those without labels."""
    inner = {name: _inside(tree, name, roles) for name in roles}
    order = sorted(roles, key=lambda name: (_ORDER.index(roles[name]), name))
    trained = {
        comparable_class(folder)
        for name in order
        if roles[name] == "train"
        for folder in _class_folders(tree, inner[name])
    }
    places, remarks = [], []
    for name in order:
        classes = _class_folders(tree, inner[name]) if roles[name] != "unlabelled" else ()
        unknown = bool(trained) and bool(classes) and not trained & {comparable_class(folder) for folder in classes}
        if unknown and len(classes) > 1:
            raise DataSetError(
                f"The class folders of {tree.path(inner[name])} ({some(classes)}) are none of the training classes "
                f"({some(sorted(trained))}): give both the same class folders, or open one of them by itself."
            )
        if unknown:  # one folder that holds whatever is to be predicted
            classes = ()
        if not classes:
            count = len(tree.images(name))
            remarks.append(
                f"The {count} image{'s' if count > 1 else ''} of {name} {'have' if count > 1 else 'has'} no label."
            )
        split = split_of(roles[name])
        places.append(
            _Place(inner[name] if classes else name, split, {join(inner[name], folder): folder for folder in classes})
        )
    opened = [below for name, below in inner.items() if below != name]
    if opened:
        remarks.insert(0, f"Opened inside the split folders: {some(opened)}.")
    return places, tuple(remarks)


def _inside(tree: FolderTree, name: str, roles: Mapping[str, SplitRole]) -> str:
    """Return the folder that a split folder is about: itself, or the single one inside it that only wraps what it holds."""
    below = name
    while True:
        inner = tree.image_folders(below)
        if len(inner) != 1 or tree.listing(below).images:
            return below
        deeper = join(below, inner[0])
        same = comparable_class(inner[0]).casefold() == comparable_class(below.rsplit("/", 1)[-1]).casefold()
        wraps = bool(_class_folders(tree, deeper)) and all(tree.image_folders(other) == inner for other in roles)
        if not same and not wraps:
            return below
        below = deeper


def _class_folders(tree: FolderTree, below: str) -> tuple[str, ...]:
    """Return the class folders in a split folder; none where most images lie beside them."""
    return () if 2 * len(tree.listing(below).images) > len(tree.images(below)) else tree.image_folders(below)


def _is_split_within_class(tree: FolderTree, folders: tuple[str, ...]) -> bool:
    """Return whether every class folder holds split folders.

    Raises:
        DataSetError: They hold class folders in turn: each of them is a data set of its own.
    """
    inner = {name: tree.image_folders(name) for name in folders}
    if not all(split_roles(names) and not tree.listing(name).images for name, names in inner.items()):
        return False
    if not any(len(names) > 1 for names in inner.values()):
        return False
    whole = [name for name, names in inner.items() if any(tree.image_folders(join(name, split)) for split in names)]
    if whole:
        raise DataSetError(
            f"{tree.root} contains several data sets ({some(whole)}), each with its own split folders: open one of them."
        )
    return True


def _within_classes(tree: FolderTree, folders: tuple[str, ...]) -> list[_Place]:
    classes: dict[str, str] = {}
    splits: dict[str, Split | None] = {}
    for name in folders:
        for inner, role in split_roles(tree.image_folders(name)).items():
            classes[join(name, inner)] = name
            splits[join(name, inner)] = split_of(role)
    return [_Place("", None, classes, splits)]


def _second_level(tree: FolderTree) -> _Place:
    classes: dict[str, str] = {}
    for name in tree.image_folders():
        inner = tree.image_folders(name)
        classes |= {join(name, folder): join(name, folder) for folder in inner} if inner else {name: name}
    return _Place("", None, classes)


def _levels(tree: FolderTree, folders: tuple[str, ...]) -> tuple[str, ...]:
    """Say which of two levels of folders the classes are, where there are two."""
    inner = [
        join(name, folder) for name in folders if not tree.listing(name).images for folder in tree.image_folders(name)
    ]
    deep = {below.split("/", 1)[0] for below in inner}
    if 2 * len(deep) < len(folders) or len(inner) < 2 or len(inner) <= len(deep):
        return ()
    return (
        f"The classes are the first of two levels of folders; the format class-folders:2 takes the {len(inner)} folders of the "
        "second.",
    )


def _refuse_ambiguous(tree: FolderTree, folders: tuple[str, ...]) -> None:
    """Refuse folders of which several look like splits that hold the same classes, and others do not.

    Raises:
        DataSetError: See above.
    """
    splits = [name for name in folders if role_of(name) is not None and tree.image_folders(name)]
    contents = [{comparable_class(folder) for folder in tree.image_folders(name)} for name in splits]
    if len(splits) >= 2 and len(splits) < len(folders) and set.intersection(*contents):
        others = [name for name in folders if name not in splits]
        raise DataSetError(
            f"In {tree.root}, {some(splits)} look like splits, and {some(others)} beside them not: choose the format "
            "class-folders:splits, which ignores the latter, or class-folders:classes."
        )


def _images(tree: FolderTree, place: _Place, problems: list[Problem]) -> Iterator[tuple[str | None, str, Split | None]]:
    """Yield (class name, image path relative to the root, split) of every image of a place."""
    if not place.classes:
        for path in tree.images(place.below):
            yield None, path, place.split
        return
    listing = tree.listing(place.below)
    for folder, name in place.classes.items():
        for path in tree.images(folder):
            yield comparable_class(name), path, place.splits.get(folder, place.split)
    if listing.images:
        count = len(listing.images)
        problems.append(Problem(tree.path(place.below), f"{count} image(s) directly in it have no class"))
    for name in listing.folders:
        if not tree.holds_images(join(place.below, name)) and not tree.was_written_here(join(place.below, name)):
            problems.append(Problem(tree.path(join(place.below, name)), "the class folder contains no image"))
    for name in listing.images:
        yield None, join(place.below, name), place.split
