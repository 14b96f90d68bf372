"""The validation set: stratified, keyed, drawn from the training split only; and the file that stores it."""

import os
import random
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from s3n_core.datasets.records import DataSet, ImageRecord, Split
from s3n_core.datasets.splits import read_split, shared_groups, split_validation, validation_records, write_split
from s3n_core.errors import DataSetError, OutputError


def records(counts: list[int], split: Split | None = "train") -> list[ImageRecord]:
    return [
        ImageRecord(path=Path(f"/d/{label}/{i}.png"), name=f"{split}/{label}/{i}.png", label=label, split=split)
        for label, count in enumerate(counts)
        for i in range(count)
    ]


def by_class(part: tuple[ImageRecord, ...]) -> Counter[int | None]:
    return Counter(record.label for record in part)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.floats(0.01, 0.9), st.integers(0, 1000))
def test_stratified(counts: list[int], fraction: float, seed: int) -> None:
    everything = records(counts)
    train, held = split_validation(everything, fraction, seed)
    assert sorted(r.name for r in (*train, *held)) == sorted(r.name for r in everything)
    in_train, in_held = by_class(train), by_class(held)
    for label, count in enumerate(counts):
        assert in_train[label] >= 1
        assert abs(in_held[label] - min(count * fraction, count - 1)) < 1 + 1e-9
    possible = sum(counts) - len(counts)
    wanted = max(1, round(sum(counts) * fraction))
    assert len(held) <= min(possible, wanted)


def test_the_whole_fraction_is_held_out() -> None:
    train, held = split_validation(records([7] * 30), 0.1, 0)
    assert len(held) == 21
    assert max(by_class(held).values()) == 1
    assert len(train) == 189


def test_classes_that_lack_most_get_what_is_left() -> None:
    """A tenth of 9, 15, 13 and 13 images: 0.9, 1.5, 1.3 and 1.3; after one of each of the last three, two remain."""
    _, held = split_validation(records([9, 15, 13, 13]), 0.1, 0)
    assert by_class(held) == {0: 1, 1: 2, 2: 1, 3: 1}


def test_single_images_stay_in_training() -> None:
    train, held = split_validation(records([1, 1, 20]), 0.5, 0)
    assert by_class(train) == {0: 1, 1: 1, 2: 10 - (len(held) - 10)}
    assert set(by_class(held)) == {2}
    assert split_validation(records([1, 1]), 0.5, 0)[1] == ()


def test_the_draw_is_that_of_earlier_versions() -> None:
    _, held = split_validation(records([5, 5, 5]), 0.2, 3)
    assert [record.name for record in held] == ["train/0/3.png", "train/1/0.png", "train/2/2.png"]


def test_keyed_by_the_seed_and_not_by_the_order() -> None:
    everything = records([20, 30, 11])
    shuffled = everything.copy()
    random.Random(0).shuffle(shuffled)
    assert split_validation(everything, 0.2, 3) == split_validation(shuffled, 0.2, 3)
    assert split_validation(everything, 0.2, 3) != split_validation(everything, 0.2, 4)


def test_only_from_the_training_part() -> None:
    test = records([5, 5], "test")
    train, held = split_validation([*records([10, 10]), *test], 0.2, 0)
    assert len(held) == 4
    assert {record.split for record in (*train, *held)} == {"train"}


def test_a_given_validation_part_is_used_as_it_is() -> None:
    train, held = split_validation([*records([10, 10]), *records([3, 2], "val"), *records([5, 5], "test")], 0.2, 0)
    assert by_class(train) == {0: 10, 1: 10}
    assert by_class(held) == {0: 3, 1: 2}
    assert {record.split for record in held} == {"val"}


def test_without_splits_and_without_holding_out() -> None:
    train, held = split_validation(records([10, 10], None), 0.1, 0)
    assert (len(train), len(held)) == (18, 2)
    train, held = split_validation(records([10, 10]), 0.0, 0)
    assert (len(train), len(held)) == (20, 0)


def test_refuses() -> None:
    with pytest.raises(DataSetError, match="no labelled training image"):
        split_validation(records([4], "test"), 0.1, 0)
    with pytest.raises(ValueError, match="fraction"):
        split_validation(records([4]), 1.0, 0)


NAMES = [
    "plain.png",
    "with, comma.png",
    'with "quotes".png',
    "Köln 鳥 é.png",
    "line\nbreak.png",
    " space .png",
    "a\rb.png",
]


def made(names: list[str]) -> DataSet:
    files = tuple(
        ImageRecord(path=Path("/d") / name, name=name, label=i % 2 if i else None) for i, name in enumerate(names)
    )
    return DataSet(root=Path("/d"), format="class-folders", classes=("Köln, é", "b"), records=files)


def test_split_file_round_trip(tmp_path: Path) -> None:
    data_set = made([*NAMES, *([os.fsdecode(b"caf\xe9.png"), "lone \ud800.png"] if sys.platform != "win32" else [])])
    train, held, test = data_set.records[:3], data_set.records[3:5], data_set.records[5:]
    path = tmp_path / "split.csv"
    write_split(path, train=train, validation=held, test=test, classes=data_set.classes)
    assert path.read_bytes().startswith(b'"name","label","class","part"\n"plain.png","","","train"\n')
    rows = read_split(path)
    assert [row.name for row in rows] == [record.name for record in data_set.records]
    assert rows[1].class_name == "b"
    assert rows[0].label is None
    assert [row.part for row in rows] == ["train"] * 3 + ["validation"] * 2 + ["test"] * len(test)
    assert validation_records(path, data_set) == held


def test_a_data_set_that_has_changed(tmp_path: Path) -> None:
    data_set, path = made(NAMES), tmp_path / "s.csv"
    held = data_set.records[-2:]
    write_split(path, train=data_set.records[:-2], validation=held, test=(), classes=data_set.classes)
    assert validation_records(path, made(NAMES[-3:])) == made(NAMES[-3:]).records[-2:]  # only these must exist
    with pytest.raises(DataSetError, match="which is in the validation set of the run, is not in the data set"):
        validation_records(path, made(NAMES[:-1]))
    renamed = DataSet(root=Path("/d"), format="images", classes=("x", "y"), records=data_set.records)
    with pytest.raises(DataSetError, match=r"now has the class '[xy]', but '(Köln, é|b)'"):
        validation_records(path, renamed)
    write_split(path, train=data_set.records, validation=(), test=(), classes=data_set.classes)
    with pytest.raises(DataSetError, match="There are no validation images"):
        validation_records(path, data_set)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected the columns name, label, class, part"),
        (b"junk", "expected the columns"),
        (b"name,label,class,part\na.png,0,x,train\nb.png,0,x\n", r"split\.csv:3: this is not a line of a split file"),
        (b"name,label,class,part\na.png,zero,x,train\n", r"split\.csv:2"),
        (b"name,label,class,part\na.png,0,x,spare\n", "'spare' is none of train, validation, test"),
        (b"\xff\xfe\x00", "not UTF-8"),
    ],
)
def test_a_split_file_that_is_none(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "split.csv").write_bytes(content)
    with pytest.raises(DataSetError, match=message):
        read_split(tmp_path / "split.csv")


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        write_split(tmp_path / "absent" / "split.csv", train=(), validation=(), test=(), classes=())
    with pytest.raises(DataSetError, match="cannot be read"):
        read_split(tmp_path / "absent" / "split.csv")


def grouped(counts: dict[str, tuple[int, int]]) -> list[ImageRecord]:
    """Make records of two classes: so many images of each for every group."""
    return [
        replace(record, name=f"{group}-{label}-{number}", label=label, group=group)
        for group, pair in counts.items()
        for label, count in enumerate(pair)
        for number, record in enumerate(records([count]))
    ]


@given(
    st.dictionaries(
        st.text("abcdef", min_size=1, max_size=3), st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=4
    ),
    st.integers(0, 5),
)
def test_a_group_is_never_divided(counts: dict[str, tuple[int, int]], seed: int) -> None:
    everything = grouped(counts)
    assume({record.label for record in everything} == {0, 1})
    train, validation = split_validation(everything, 0.3, seed)
    assert not {record.group for record in train} & {record.group for record in validation}
    assert {record.name for record in (*train, *validation)} == {record.name for record in everything}
    assert {record.label for record in train} == {0, 1}, "each class keeps images to learn from"


def test_groups_of_even_size_meet_the_share() -> None:
    train, validation = split_validation(grouped({f"p{n}": (2, 2) for n in range(10)}), 0.3, 0)
    assert (len(train), len(validation)) == (28, 12)
    assert split_validation(grouped({f"p{n}": (2, 2) for n in range(10)}), 0.3, 1)[1] != validation


def test_a_group_stays_where_one_of_its_images_was_put_by_hand() -> None:
    everything = grouped({f"p{n}": (2, 2) for n in range(10)})
    drawn = {record.group for record in split_validation(everything, 0.3, 0)[1]}
    assert len(drawn) > 1
    chosen = min(record.name for record in everything if record.group in drawn)
    train, validation = split_validation(everything, 0.3, 0, by_hand={chosen})
    assert {record.name for record in train} >= {chosen}
    assert not {record.group for record in train} & {record.group for record in validation}
    assert validation


@pytest.mark.parametrize("trained_on", ["train", None])
@pytest.mark.parametrize("held", ["val", "test"])
def test_a_group_in_training_and_test_is_refused(trained_on: Split | None, held: Split) -> None:
    first, second, *others = grouped({"p1": (2, 0), "p2": (3, 3)})
    both = [replace(first, split=trained_on), replace(second, split=held), *(replace(r, split="train") for r in others)]
    with pytest.raises(DataSetError, match=r"1 group of images \(such as p1\) lie both in training"):
        split_validation(both, 0.0, 0)


def test_images_that_are_not_trained_on_divide_no_group() -> None:
    first, second = grouped({"p1": (1, 1)})
    assert shared_groups([replace(first, split=None, label=None), replace(second, split="test")]) == ()
    assert shared_groups([replace(first, split=None), replace(second, split=None)]) == ()
