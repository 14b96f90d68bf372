"""Stanford Cars in the layouts of its devkit, of its older release and of torchvision, with real .mat files."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from s3n_core.datasets.detection import detection_sentence, open_data_set
from s3n_core.datasets.records import Box
from s3n_core.errors import DataSetError

CLASSES = ["AM General Hummer SUV 2000", "Acura RL Sedan 2012", "Ram C/V Cargo Van Minivan 2012"]
CORNERS = ["bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2"]
BOX = (39, 116, 569, 375)


def save_annotations(file: Path, rows: list[tuple[object, ...]], fields: list[str], **more: object) -> None:
    """Write a struct array as MATLAB does: 1 x N, with every number a 1 x 1 matrix."""
    array = np.empty((1, len(rows)), dtype=[(field, object) for field in fields])
    for i, row in enumerate(rows):
        array[0, i] = tuple(value if isinstance(value, str) else np.array([[value]]) for value in row)
    savemat(file, {"annotations": array, **more}, do_compression=True)


def class_cell() -> np.ndarray:
    cell = np.empty((1, len(CLASSES)), dtype=object)
    cell[0, :] = CLASSES
    return cell


def save_images(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (6, 4)).save(root / name)


@pytest.fixture
def devkit(tmp_path: Path) -> Path:
    root = tmp_path / "stanford_cars"
    save_images(root, *(f"cars_{part}/0000{i}.jpg" for part in ("train", "test") for i in (1, 2, 3)))
    (root / "devkit").mkdir()
    savemat(root / "devkit" / "cars_meta.mat", {"class_names": class_cell()})
    fields = [*CORNERS, "class", "fname"]
    rows = [(*BOX, np.uint8(i), f"0000{i}.jpg") for i in (1, 2, 3)]
    save_annotations(root / "devkit" / "cars_train_annos.mat", rows, fields)
    save_annotations(root / "cars_test_annos_withlabels.mat", rows, fields)
    bare = [(*BOX, f"0000{i}.jpg") for i in (1, 2, 3)]
    save_annotations(root / "devkit" / "cars_test_annos.mat", bare, [*CORNERS, "fname"])
    return root


def test_devkit(devkit: Path) -> None:
    data_set = open_data_set(devkit)
    assert (data_set.format, data_set.root, data_set.problems) == ("stanford-cars", devkit, ())
    assert data_set.classes == tuple(CLASSES)
    assert [(r.name, r.label, r.split) for r in data_set.records] == [
        (f"cars_{part}/0000{i}.jpg", i - 1, part) for part in ("train", "test") for i in (1, 2, 3)
    ]
    assert {r.box for r in data_set.records} == {Box(x=38, y=115, width=531, height=260)}  # counted from 1, ends inside
    sentence = "Detected as Stanford Cars: 6 images of 3 classes (3 train, 3 test)."
    assert detection_sentence(data_set) == sentence


def test_the_folder_above_as_torchvision_takes_it(devkit: Path) -> None:
    assert open_data_set(devkit.parent).root == devkit


def test_a_copy_with_every_folder_twice(devkit: Path) -> None:
    for name in ("cars_train", "cars_test"):
        (devkit / name).rename(devkit / "moved")
        (devkit / name).mkdir()
        (devkit / "moved").rename(devkit / name / name)
    (devkit / "car_devkit").mkdir()
    (devkit / "devkit").rename(devkit / "car_devkit" / "devkit")
    data_set = open_data_set(devkit)
    assert data_set.records[0].name == "cars_train/cars_train/00001.jpg"
    assert len(data_set.records) == 6


def test_labels_of_the_test_images_beside_the_devkit(devkit: Path) -> None:
    name = "cars_test_annos_withlabels.mat"
    (devkit / name).rename(devkit / "devkit" / name)
    assert [record.label for record in open_data_set(devkit).of_split("test")] == [0, 1, 2]


def test_test_images_without_labels(devkit: Path) -> None:
    (devkit / "cars_test_annos_withlabels.mat").unlink()
    data_set = open_data_set(devkit)
    assert [(r.label, r.box is None) for r in data_set.of_split("test")] == [(None, False)] * 3
    assert data_set.counts()["test"] == (0, 0, 0)
    (problem,) = data_set.problems
    assert problem.path == devkit / "cars_test_annos_withlabels.mat"
    assert problem.reason == "it is missing: 3 test images have no label, so accuracy cannot be measured on them"


def test_without_test_images(devkit: Path) -> None:
    for image in (devkit / "cars_test").iterdir():
        image.unlink()
    (devkit / "cars_test").rmdir()
    data_set = open_data_set(devkit)
    assert data_set.splits() == ("train",)
    assert "there are no test images" in data_set.problems[0].reason


@pytest.fixture
def older(tmp_path: Path) -> Path:
    root = tmp_path / "cars"
    save_images(root, *(f"car_ims/00000{i}.jpg" for i in (1, 2, 3, 4)))
    rows = [(f"car_ims/00000{i}.jpg", *BOX, i - 1 if i > 1 else 1, int(i == 4)) for i in (1, 2, 3, 4)]
    save_annotations(
        root / "cars_annos.mat", rows, ["relative_im_path", *CORNERS, "class", "test"], class_names=class_cell()
    )
    return root


def test_older_release(older: Path) -> None:
    data_set = open_data_set(older)
    assert data_set.format == "stanford-cars"
    assert data_set.classes == tuple(CLASSES)
    assert [(r.name, r.label, r.split) for r in data_set.records] == [
        ("car_ims/000001.jpg", 0, "train"),
        ("car_ims/000002.jpg", 0, "train"),
        ("car_ims/000003.jpg", 1, "train"),
        ("car_ims/000004.jpg", 2, "test"),
    ]


def test_one_annotation_alone(older: Path) -> None:
    """MATLAB does not distinguish a struct from a list of one struct."""
    fields = ["relative_im_path", *CORNERS, "class", "test"]
    row = ("car_ims/000002.jpg", *BOX, 2, 0)
    save_annotations(older / "cars_annos.mat", [row], fields, class_names=class_cell())
    data_set = open_data_set(older)
    assert [(r.name, r.label) for r in data_set.records] == [("car_ims/000002.jpg", 1)]


def test_what_is_missing_is_named(devkit: Path) -> None:
    (devkit / "cars_train" / "00002.jpg").unlink()
    (devkit / "cars_test" / "00002.jpg").unlink()
    reasons = [problem.reason for problem in open_data_set(devkit).problems]
    assert f"the file does not exist ({devkit / 'devkit' / 'cars_train_annos.mat'}:2)" in reasons
    assert f"the class {CLASSES[1]} has no image" in reasons


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((*BOX, 4, "00001.jpg"), r"cars_train_annos\.mat:1: the class 4 has no name; there are 3 class names"),
        ((*BOX, 0, "00001.jpg"), r"the class 0 has no name"),
        ((*BOX, 1.5, "00001.jpg"), r"the class 1\.5 has no name"),
        ((*BOX, "one", "00001.jpg"), r"cars_train_annos\.mat:1: expected a number as 'class' but found 'one'"),
        ((1, 2, 3, np.nan, 1, "00001.jpg"), r"expected a number as 'bbox_y2' but found 'nan'"),
        ((*BOX, 1, "../../../secret.jpg"), r"cars_train_annos\.mat:1: .* points outside the data set's folder"),
        ((*BOX, 1, "gone.jpg"), r"None of the images"),
    ],
)
def test_wrong_annotations(devkit: Path, row: tuple[object, ...], message: str) -> None:
    save_annotations(devkit / "devkit" / "cars_train_annos.mat", [row], [*CORNERS, "class", "fname"])
    (devkit / "cars_test_annos_withlabels.mat").unlink()
    (devkit / "devkit" / "cars_test_annos.mat").unlink()
    with pytest.raises(DataSetError, match=message) as caught:
        open_data_set(devkit)
    assert "\n" not in str(caught.value)


def test_an_image_with_two_annotations(older: Path) -> None:
    """It would be in training and in test, as two classes."""
    rows = [("car_ims/000002.jpg", *BOX, 1, 0), ("car_ims/000002.jpg", *BOX, 2, 1)]
    fields = ["relative_im_path", *CORNERS, "class", "test"]
    save_annotations(older / "cars_annos.mat", rows, fields, class_names=class_cell())
    message = r"cars_annos\.mat:2: the image car_ims/000002\.jpg is listed in .*cars_annos\.mat:1 already"
    with pytest.raises(DataSetError, match=message):
        open_data_set(older)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"cars_meta\.mat is not a \.mat file, or it is damaged \(its header is not MATLAB's\): copy it again"),
        (b"junk" * 200, r"cars_meta\.mat is not a \.mat file, or it is damaged"),
        (b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + b"\x89HDF" * 9, r"format 7\.3: save it again"),
    ],
)
def test_damaged_files(devkit: Path, content: bytes, message: str) -> None:
    (devkit / "devkit" / "cars_meta.mat").write_bytes(content)
    with pytest.raises(DataSetError, match=message) as caught:
        open_data_set(devkit)
    assert "\n" not in str(caught.value)


def test_files_that_hold_something_else(devkit: Path) -> None:
    file = devkit / "devkit" / "cars_train_annos.mat"
    savemat(file, {"numbers": np.arange(3)})
    with pytest.raises(DataSetError, match=r"cars_train_annos\.mat does not contain 'annotations'"):
        open_data_set(devkit)
    savemat(file, {"annotations": np.arange(3)})
    with pytest.raises(DataSetError, match=r"cars_train_annos\.mat has no field 'bbox_x1' in 'annotations'"):
        open_data_set(devkit)
    (devkit / "devkit" / "cars_meta.mat").unlink()
    with pytest.raises(DataSetError, match=r"cars_meta\.mat cannot be read \(No such file or directory\)"):
        open_data_set(devkit)


def test_by_hand_where_nothing_is(tmp_path: Path) -> None:
    save_images(tmp_path, "a/1.jpg", "b/2.jpg")
    with pytest.raises(DataSetError, match=r"has neither cars_train_annos\.mat"):
        open_data_set(tmp_path, "stanford-cars")
