"""The data sets that can be fetched: their files, where those come from, and what the unpacked folder must hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from s3n_core.datasets.readers.matlab_files import read_matlab
from s3n_core.datasets.records import Split
from s3n_core.errors import DataSetError
from s3n_core.system.atomic_files import write_text


@dataclass(frozen=True, slots=True)
class Source:
    """A file of a data set.

    Attributes:
        url: Where its owners publish it; the last part is its name.
        md5: Its checksum, as the owners or the field's libraries state it.
    """

    url: str
    md5: str

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.url.rsplit("/", 1)[1]

    @property
    def is_archive(self) -> bool:
        """Whether it is unpacked."""
        return self.name.endswith((".tgz", ".tar.gz"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicDataSet:
    """A data set that can be fetched.

    Attributes:
        key: Its name on the command line.
        title: Its name.
        page: The page of its owners.
        terms: Who may use it for what, in a clause.
        sources: Its files.
        images: Number of images.
        classes: Number of classes.
        splits: Number of images by split.
        by_hand: What to do if a link is gone, as a sentence; "" if nothing is known.
        prepare: Adds to the unpacked folder what the owners' layout lacks, such as lists of the split.
    """

    key: str
    title: str
    page: str
    terms: str
    sources: tuple[Source, ...]
    images: int
    classes: int
    splits: Mapping[Split, int] = field(default_factory=dict)
    by_hand: str = ""
    prepare: Callable[[Path], None] | None = None


_FLOWERS = (
    "daffodil", "snowdrop", "lily of the valley", "bluebell", "crocus", "iris", "tigerlily", "tulip", "fritillary",
    "sunflower", "daisy", "colt's foot", "dandelion", "cowslip", "buttercup", "windflower", "pansy",
)  # fmt: skip
_PER_FLOWER = 80


def write_flower_lists(folder: Path) -> None:
    """Write list files of the first of the three official splits; images are ordered by class, 80 of each.

    Raises:
        DataSetError: The table of the splits is damaged or names an image that does not exist.
        OutputError: A list cannot be written.
    """
    table = folder / "datasplits.mat"
    splits = read_matlab(table, "trn1", "val1", "tst1")
    for split, variable in (("train", "trn1"), ("val", "val1"), ("test", "tst1")):
        value = splits[variable]
        numbers = [int(number) for number in (value if isinstance(value, tuple) else (value,))]
        if not all(1 <= number <= _PER_FLOWER * len(_FLOWERS) for number in numbers):
            raise DataSetError(f"{table} names an image that does not exist: it is not the file that its name says.")
        lines = [f"jpg/image_{number:04d}.jpg {(number - 1) // _PER_FLOWER}" for number in sorted(numbers)]
        write_text(folder / f"{split}.txt", "\n".join(lines) + "\n")
    write_text(folder / "classes.txt", "\n".join(f"{index} {name}" for index, name in enumerate(_FLOWERS)) + "\n")


_CARS = "https://ai.stanford.edu/~jkrause"
_OXFORD = "https://www.robots.ox.ac.uk/~vgg/data"

CATALOGUE: Mapping[str, PublicDataSet] = {
    data_set.key: data_set
    for data_set in (
        PublicDataSet(
            key="cub200",
            title="CUB-200-2011",
            page="https://www.vision.caltech.edu/datasets/cub_200_2011/",
            terms="non-commercial research and education",
            sources=(
                Source(
                    "https://data.caltech.edu/records/65de6-vp158/files/CUB_200_2011.tgz",
                    "97eceeb196236b17998738112f37df78",
                ),
            ),
            images=11_788,
            classes=200,
            splits={"train": 5_994, "test": 5_794},
        ),
        PublicDataSet(
            key="aircraft",
            title="FGVC-Aircraft 2013b",
            page="https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft/",
            terms="non-commercial research",
            sources=(
                Source(
                    f"{_OXFORD}/fgvc-aircraft/archives/fgvc-aircraft-2013b.tar.gz", "d4acdd33327262359767eeaa97a4f732"
                ),
            ),
            images=10_000,
            classes=100,
            splits={"train": 3_334, "val": 3_333, "test": 3_333},
        ),
        PublicDataSet(
            key="cars",
            title="Stanford Cars",
            page=f"{_CARS}/cars/car_dataset.html",
            terms="non-commercial research",
            sources=(
                Source(f"{_CARS}/car196/cars_train.tgz", "065e5b463ae28d29e77c1b4b166cfe61"),
                Source(f"{_CARS}/car196/cars_test.tgz", "4ce7ebf6a94d07f1952d94dd34c4d501"),
                Source(f"{_CARS}/cars/car_devkit.tgz", "c3b158d763b6e2245038c8ad08e45376"),
                Source(f"{_CARS}/car196/cars_test_annos_withlabels.mat", "b0a2b23655a3edd16d84508592a98d10"),
            ),
            images=16_185,
            classes=196,
            splits={"train": 8_144, "test": 8_041},
            by_hand="Since 2023 the owners' server no longer has the images; several public copies hold the same four files, "
            "and their checksums are checked.",
        ),
        PublicDataSet(
            key="flowers17",
            title="Oxford 17 Flowers",
            page=f"{_OXFORD}/flowers/17/",
            terms="research; the photographs belong to their authors",
            sources=(
                Source(f"{_OXFORD}/flowers/17/17flowers.tgz", "b59a65d8d1a99cd66944d474e1289eab"),
                Source(f"{_OXFORD}/flowers/17/datasplits.mat", "4828cddfd0d803c5abbdebcb1e148a1e"),
            ),
            images=1_360,
            classes=17,
            splits={"train": 680, "val": 340, "test": 340},
            prepare=write_flower_lists,
        ),
    )
}
"""The data sets by their names on the command line."""
