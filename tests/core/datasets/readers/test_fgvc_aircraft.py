"""FGVC-Aircraft 2013b in the layout of its unpacked archive: splits, levels, boxes, and cropped banners."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from s3n_core.datasets.banners import banner_of
from s3n_core.datasets.decoding import image_size, read_image
from s3n_core.datasets.detection import FORMATS, detection_sentence, open_data_set
from s3n_core.datasets.loading import Sample, load_batches
from s3n_core.datasets.opening import open_images
from s3n_core.datasets.records import Box, DataSet
from s3n_core.datasets.transforms import Preprocess, test_view
from s3n_core.errors import DataSetError

IMAGES = {"train": ("0787226", "1481091"), "val": ("1548899", "0674300"), "test": ("1234567", "0000008")}
LEVELS = {
    "variant": ("F-16A/B", "727-200", "727-200", "F/A-18", "BAE 146-200", "F-16A/B"),
    "family": ("F-16", "Boeing 727", "Boeing 727", "F/A-18", "BAE 146", "F-16"),
    "manufacturer": ("Lockheed Martin", "Boeing", "Boeing", "McDonnell Douglas", "BAE", "Lockheed Martin"),
}
CLASS_FILES = {"variant": "variants", "family": "families", "manufacturer": "manufacturers"}
WIDTH, HEIGHT = 60, 50


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Six photographs, grey with a white banner of 20 rows at the bottom."""
    root = tmp_path / "fgvc-aircraft-2013b"
    data = root / "data"
    (data / "images").mkdir(parents=True)
    every = [image for part in IMAGES.values() for image in part]
    for number, image in enumerate(every):
        pixels = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
        pixels[:-20] = 10 * number
        Image.fromarray(pixels).save(data / "images" / f"{image}.jpg", quality=100)
    for level, names in LEVELS.items():
        class_of = dict(zip(every, names, strict=True))
        for part, images in {**IMAGES, "trainval": IMAGES["train"] + IMAGES["val"]}.items():
            lines = "".join(f"{image} {class_of[image]}\n" for image in images)
            (data / f"images_{level}_{part}.txt").write_text(lines)
            (data / f"images_{part}.txt").write_text("".join(f"{image}\n" for image in images))
        (data / f"{CLASS_FILES[level]}.txt").write_text("".join(f"{name}\n" for name in dict.fromkeys(names)))
    boxes = "".join(f"{image} {number + 1} 2 41 28\n" for number, image in enumerate(every))
    (data / "images_box.txt").write_text(boxes)
    (root / "README.md").write_text("# FGVC-Aircraft Benchmark\n")
    return root


def labelled(data_set: DataSet) -> dict[str, tuple[str, str | None]]:
    return {r.path.stem: (data_set.classes[r.label], r.split) for r in data_set.records if r.label is not None}


def test_variants_are_taken_unless_another_level_is_asked_for(archive: Path) -> None:
    data_set = open_data_set(archive)
    assert data_set.format == "fgvc-aircraft-2013b"
    assert data_set.root == archive
    assert data_set.classes == ("F-16A/B", "727-200", "F/A-18", "BAE 146-200")
    assert labelled(data_set) == {
        "0787226": ("F-16A/B", "train"),
        "1481091": ("727-200", "train"),
        "1548899": ("727-200", "val"),
        "0674300": ("F/A-18", "val"),
        "1234567": ("BAE 146-200", "test"),
        "0000008": ("F-16A/B", "test"),
    }
    first = data_set.records[1]
    assert first.name == "data/images/1481091.jpg"
    assert first.box == Box(x=1, y=1, width=40, height=27)  # pixels 2 ... 41, 2 ... 28, counted from 1
    assert data_set.problems == ()
    sentence = "Detected as FGVC-Aircraft 2013b: 6 images of 4 classes (2 train, 2 val, 2 test)."
    assert detection_sentence(data_set) == sentence


@pytest.mark.parametrize(("level", "title"), [("family", "families"), ("manufacturer", "manufacturers")])
def test_coarser_levels(archive: Path, level: str, title: str) -> None:
    data_set = open_data_set(archive, f"fgvc-aircraft-2013b:{level}")
    assert f"fgvc-aircraft-2013b:{level}" in FORMATS
    assert (data_set.format, data_set.title) == (f"fgvc-aircraft-2013b:{level}", f"FGVC-Aircraft 2013b, {title}")
    assert data_set.classes == tuple(dict.fromkeys(LEVELS[level]))
    assert [name for name, _ in labelled(data_set).values()] == list(LEVELS[level])


def test_a_level_alone_is_found(archive: Path) -> None:
    for file in (archive / "data").glob("images_variant_*.txt"):
        file.unlink()
    assert open_data_set(archive).format == "fgvc-aircraft-2013b:family"


@pytest.mark.parametrize("opened", ["archive", "its data", "the folder that it was unpacked into"])
def test_where_it_may_be_opened(archive: Path, opened: str) -> None:
    root = {"archive": archive, "its data": archive / "data"}.get(opened, archive.parent)
    data_set = open_data_set(root)
    assert data_set.root == (archive / "data" if opened == "its data" else archive)
    assert data_set.format == "fgvc-aircraft-2013b"
    assert all(record.path.is_file() and record.path == data_set.root / record.name for record in data_set.records)


def test_training_and_validation_in_one_list(archive: Path) -> None:
    for part in ("train", "val"):
        (archive / "data" / f"images_variant_{part}.txt").unlink()
    data_set = open_data_set(archive)
    assert {split: len(data_set.of_split(split)) for split in data_set.splits()} == {"train": 4, "test": 2}


def test_without_what_is_optional(archive: Path) -> None:
    for name in ("images_box.txt", "variants.txt"):
        (archive / "data" / name).unlink()
    data_set = open_data_set(archive)
    assert data_set.classes == ("727-200", "BAE 146-200", "F-16A/B", "F/A-18")
    assert {record.box for record in data_set.records} == {None}


def test_what_is_missing_is_named(archive: Path) -> None:
    (archive / "data" / "images" / "1548899.jpg").unlink()
    with (archive / "data" / "variants.txt").open("a") as file:
        file.write("A380\n")
    data_set = open_data_set(archive)
    assert len(data_set.records) == 5
    assert [problem.reason for problem in data_set.problems] == [
        f"the file does not exist ({archive / 'data' / 'images_variant_val.txt'}:1)",
        "the class A380 has no image",
    ]


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("images_variant_train.txt", "0787226\n", r"images_variant_train\.txt:1: expected '<image> <class name>'"),
        ("images_variant_train.txt", "../../x F/A-18\n", r"images_variant_train\.txt:1: '\.\./\.\./x' points outside"),
        ("images_variant_val.txt", "0787226 F/A-18\n", r"0787226 is listed in .*images_variant_train\.txt:1 already"),
        ("images_variant_test.txt", "1234567 Concorde\n", r"variants\.txt does not name the class 'Concorde'"),
        ("images_variant_test.txt", "\0\0", r"images_variant_test\.txt is not a text file"),
        ("images_box.txt", "0787226 1 2 3\n", r"images_box\.txt:1: expected '<image> <xmin> <ymin> <xmax> <ymax>'"),
        ("images_box.txt", "0787226 1 2 3 inf\n", r"images_box\.txt:1: expected"),
    ],
)
def test_refused(archive: Path, file: str, text: str, message: str) -> None:
    (archive / "data" / file).write_text(text)
    with pytest.raises(DataSetError, match=message) as caught:
        open_data_set(archive)
    assert "\n" not in str(caught.value)


def test_no_lists_and_no_images(archive: Path) -> None:
    with pytest.raises(DataSetError, match="has no images_variant_train"):
        open_data_set(archive / "data" / "images", "fgvc-aircraft-2013b")
    for image in (archive / "data" / "images").iterdir():
        image.unlink()
    with pytest.raises(DataSetError, match="None of the images in the lists"):
        open_data_set(archive)


def test_banners_are_cut_off_wherever_an_image_is_read(archive: Path) -> None:
    path = archive / "data" / "images" / "0787226.jpg"
    whole = np.asarray(read_image(path))
    assert whole.shape[:2] == (HEIGHT, WIDTH)  # the decoder alone does not know of the data set
    assert whole.max() > 200
    opened = [open_data_set(archive), open_images(archive / "data" / "images"), open_images(path)]
    records = [next(record for record in data_set.records if record.path == path) for data_set in opened]
    assert {record.banner for record in records} == {banner_of(path)} == {20}  # the same image, however it is opened
    record = records[0]
    assert image_size(path, banner=record.banner) == (WIDTH, HEIGHT - 20)
    seen = np.asarray(read_image(path, banner=record.banner))
    assert np.array_equal(seen, whole[:-20])
    preprocess = Preprocess(input_size=8, source_size=8)
    (batch,) = load_batches([Sample.of(record)], lambda image, _: test_view(image, preprocess), 1, workers=0)
    assert np.array_equal(batch.images[0], test_view(Image.fromarray(whole[:-20]), preprocess))


def test_other_images_keep_their_last_rows(archive: Path) -> None:
    elsewhere = archive / "elsewhere" / "images" / "1.jpg"
    elsewhere.parent.mkdir(parents=True)
    Image.new("RGB", (WIDTH, HEIGHT)).save(elsewhere)
    assert banner_of(elsewhere) == 0
    Image.new("RGB", (WIDTH, 20)).save(low := archive / "data" / "images" / "low.png")
    banner = banner_of(low)
    assert banner == 20
    assert read_image(low, banner=banner).size == image_size(low, banner=banner) == (WIDTH, 20)
