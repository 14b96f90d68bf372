"""Random folders in layouts that people have, each with the truth about its images. For tests."""

from __future__ import annotations

import json
import random
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageDraw

Label = str | None
Split = str | None

CLASS_SETS = (
    ("ant", "bee"),
    ("Köln", "Zürich", "Malmö"),
    ("bus", "car", "train"),
    ("control", "test"),
    ("+90", "-90", "=1"),
    ("001.Black Bird", "002.White Bird", "010.Grey"),
    ("val", "vase", "vine", "volt"),
    ("0", "1", "2"),
    ("a, b", 'say "c"', "d;e"),
    ("Training shoe", "Test tube", "Mask"),
)
SPLIT_NAMES: tuple[dict[str, str], ...] = (
    {"train": "train", "val": "val", "test": "test"},
    {"training": "train", "validation": "val", "testing": "test"},
    {"Train": "train", "Valid": "val", "Test": "test"},
    {"train": "train", "dev": "val"},
    {"train": "train", "test": "test"},
    {"seg_train": "train", "seg_test": "test"},
    {"train2017": "train", "val2017": "val"},
    {"birds-train": "train", "birds-valid": "val", "birds-test": "test"},
    {"TrainSet": "train", "TestSet": "test"},
    {"train_images": "train", "test_images": "test"},
    {"training_data": "train", "eval": "val", "test_data": "test"},
)
WRAPPERS = ("archive", "data (1)", "dataset", "Köln bilder", "v1.0", "images")
SEPARATORS = (",", ";", "\t")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16")


@dataclass
class Layout:
    """A folder and what is right for it.

    Attributes:
        root: The folder.
        kind: What was drawn, for a message.
        truth: Class and split of every image, by its path below the root; classes in the Unicode form NFC.
    """

    root: Path
    kind: str
    truth: dict[str, tuple[Label, Split]] = field(default_factory=dict)

    def add(self, name: str, label: Label, split: Split) -> None:
        """Draw an image and note what is right for it; a class looks the same everywhere."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        hue = sum(map(ord, unicodedata.normalize("NFC", label or "?"))) * 37 % 360
        number = len(self.truth)
        image = Image.new("RGB", (40, 40), "white")
        shift = number * 7 % 14
        ImageDraw.Draw(image).rectangle((4 + shift, 6, 20 + shift, 22 + number % 9), fill=f"hsl({hue}, 80%, 45%)")
        image.save(path, format="PNG" if path.suffix == ".png" else "JPEG")
        self.truth[name] = (None if label is None else unicodedata.normalize("NFC", label), split)

    def write(self, name: str, text: str, encoding: str = "utf-8") -> None:
        """Write a text file."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding=encoding, newline="")


def layout(root: Path, number: int) -> Layout:
    """Make the layout of a number in an empty folder."""
    rng = random.Random(number)
    kind = KINDS[number % len(KINDS)]
    made = Layout(root, kind.__name__.strip("_").replace("_", " "))
    prefix = "".join(f"{name}/" for name in rng.sample(WRAPPERS, rng.choice((0, 0, 1, 2))))
    kind(made, rng, prefix, rng.choice(CLASS_SETS))
    _clutter(made, rng, prefix)
    return made


def _fill(made: Layout, rng: random.Random, folder: str, label: Label, split: Split, start: int = 0) -> list[str]:
    suffix = rng.choice((".jpg", ".png", ".JPG"))
    names = [f"{folder}/{n:04d}{suffix}" for n in range(start, start + rng.randint(3, 5))]
    for name in names:
        made.add(name, label, split)
    return names


def _form(rng: random.Random, name: str) -> str:
    return unicodedata.normalize(rng.choice(("NFC", "NFD")), name)


def _class_folders(made: Layout, rng: random.Random, prefix: str, classes: tuple[str, ...]) -> None:
    for name in classes:
        _fill(made, rng, f"{prefix}{name}", name, None)


def _nested_class_folders(made: Layout, rng: random.Random, prefix: str, classes: tuple[str, ...]) -> None:
    for name in classes:
        for inner in ("2019", "spring trip"):
            _fill(made, rng, f"{prefix}{name}/{inner}", name, None)


def _split_folders(made: Layout, rng: random.Random, prefix: str, classes: tuple[str, ...]) -> None:
    names = rng.choice(SPLIT_NAMES)
    double = rng.random() < 0.3
    for at, (folder, split) in enumerate(names.items()):
        for name in classes:
            _fill(
                made, rng, f"{prefix}{folder}/{f'{folder}/' if double else ''}{_form(rng, name)}", name, split, 10 * at
            )


def _flat_test(made: Layout, rng: random.Random, prefix: str, classes: tuple[str, ...]) -> None:
    for name in classes:
        _fill(made, rng, f"{prefix}train/{name}", name, "train")
    folder = rng.choice(("test", "testing", "Test"))
    inner = rng.choice(("", "/unknown", f"/{folder}"))
    _fill(made, rng, f"{prefix}{folder}{inner}", None, "test", 100)


def _split_within_class(made: Layout, rng: random.Random, prefix: str, classes: tuple[str, ...]) -> None:
    for name in classes:
        for split in ("train", "test"):
            _fill(made, rng, f"{prefix}{name}/{split}", name, split)


def _both_flat(made: Layout, rng: random.Random, prefix: str, classes: tuple[str, ...]) -> None:
    for split in ("train", "test"):
        for name in _fill(made, rng, f"{prefix}{split}", None, None):
            made.truth[name] = (None, None)


def _flat(made: Layout, rng: random.Random, prefix: str, classes: tuple[str, ...]) -> None:
    _fill(made, rng, f"{prefix}photos", None, None)


def _table(made: Layout, rng: random.Random, prefix: str, classes: tuple[str, ...]) -> None:
    """Draw images in one folder or two, and a table of their classes beside them."""
    splits = rng.choice(((("pictures", None),), (("train", "train"), ("test", "test"))))
    header = rng.choice((("id", "label"), ("image_id", "class"), ("filename", "species"), ("path", "category")))
    unlabelled_test, rows = rng.random() < 0.5, []
    for at, (folder, split) in enumerate(splits):
        for number, name in enumerate(classes):
            label = None if split == "test" and unlabelled_test else name
            for image in _fill(made, rng, f"{prefix}{folder}", label, split, 100 * at + 10 * number):
                if label is not None:
                    rows.append((_called(rng, header[0], image, prefix), label))
    rng.shuffle(rows)
    _write_table(made, rng, prefix, [header, *rows])


def _table_with_split(made: Layout, rng: random.Random, prefix: str, classes: tuple[str, ...]) -> None:
    column, words = rng.choice((("split", ("train", "valid", "test")), ("subset", ("Training", "Validation", "Test"))))
    rows = []
    for number, name in enumerate(classes):
        for word, split in zip(words, ("train", "val", "test"), strict=True):
            start = 10 * number + 100 * words.index(word)
            rows += [
                (image.rsplit("/", 1)[1], name, word) for image in _fill(made, rng, f"{prefix}img", name, split, start)
            ]
    rng.shuffle(rows)
    _write_table(made, rng, prefix, [("file_name", "label", column), *rows])


def _one_hot(made: Layout, rng: random.Random, prefix: str, classes: tuple[str, ...]) -> None:
    for at, (folder, split) in enumerate((("train", "train"), ("valid", "val"), ("test", "test"))):
        rows: list[tuple[str, ...]] = [("filename", *classes)]
        for number, name in enumerate(classes):
            for image in _fill(made, rng, f"{prefix}{folder}", name, split, 100 * at + 10 * number):
                rows.append((image.rsplit("/", 1)[1], *("1" if other == name else "0" for other in classes)))
        made.write(f"{prefix}{folder}/_classes.csv", _delimited(rows, ","))


def _metadata_lines(made: Layout, rng: random.Random, prefix: str, classes: tuple[str, ...]) -> None:
    for at, (folder, split) in enumerate((("train", "train"), ("test", "test"))):
        lines = []
        for number, name in enumerate(classes):
            for image in _fill(made, rng, f"{prefix}{folder}", name, split, 100 * at + 10 * number):
                lines.append(
                    json.dumps({"file_name": image.rsplit("/", 1)[1], "label": name}, ensure_ascii=rng.random() < 0.5)
                )
        made.write(f"{prefix}{folder}/metadata.jsonl", "\n".join(lines) + "\n")


def _lists(made: Layout, rng: random.Random, prefix: str, classes: tuple[str, ...]) -> None:
    folder, form = rng.choice(("", "meta/", "splits/")), rng.choice(("id", "folder", "absolute", "backslash"))
    for split, start in (("train", 0), ("test", 50)):
        lines = []
        for number, name in enumerate(classes):
            for image in _fill(made, rng, f"{prefix}images/{name}", name, split, start):
                listed = image.removeprefix(f"{prefix}images/")
                if form == "absolute":
                    listed = f"/home/somebody/{listed}"
                if form == "backslash":
                    listed = listed.replace("/", "\\")
                lines.append(listed.rsplit(".", 1)[0] if form == "folder" else f"{listed} {number}")
        made.write(f"{prefix}{folder}{split}.txt", "\n".join(lines) + "\n")


KINDS: tuple[Callable[[Layout, random.Random, str, tuple[str, ...]], None], ...] = (
    _class_folders,
    _split_folders,
    _flat_test,
    _table,
    _table_with_split,
    _one_hot,
    _metadata_lines,
    _lists,
    _both_flat,
    _nested_class_folders,
    _split_within_class,
    _flat,
)


def _called(rng: random.Random, column: str, image: str, prefix: str) -> str:
    name = image.rsplit("/", 1)[1]
    if column == "path":
        path = image.removeprefix(prefix)
        return path.replace("/", "\\") if rng.random() < 0.3 else path
    return name.rsplit(".", 1)[0] if column in ("id", "image_id") else name


def _write_table(made: Layout, rng: random.Random, prefix: str, rows: list[tuple[str, ...]]) -> None:
    text = _delimited(rows, rng.choice(SEPARATORS))
    made.write(f"{prefix}{rng.choice(('labels', 'annotations', 'data'))}.csv", text, rng.choice(ENCODINGS))


def _delimited(rows: list[tuple[str, ...]], separator: str) -> str:
    def cell(text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in (separator, '"', "\n")) else text

    return "".join(separator.join(map(cell, row)) + "\r\n" for row in rows)


def _clutter(made: Layout, rng: random.Random, prefix: str) -> None:
    """Add what is no image of the data set."""
    some = next(iter(made.truth))
    if rng.random() < 0.3:
        made.write(f"{prefix}README.md", "# About these images\n")
    if rng.random() < 0.3:
        made.write(f"{some.rsplit('/', 1)[0]}/Thumbs.db", "x")
    if rng.random() < 0.3:
        thumbnails = Layout(made.root, "")
        thumbnails.add(f"{some.rsplit('/', 1)[0]}/@eaDir/{some.rsplit('/', 1)[1]}/thumb.jpg", None, None)
    if rng.random() < 0.2:
        bin_ = Layout(made.root, "")
        bin_.add(f"{prefix}#recycle/0001.jpg", None, None)
    if rng.random() < 0.2 and "list" not in made.kind:
        made.write(f"{prefix}train.txt", "epoch 1 loss 0.3\nepoch 2 loss 0.2\n")
    if rng.random() < 0.2:
        made.write("notes.csv", "when,what\nMonday,rain\nTuesday,sun\n")
