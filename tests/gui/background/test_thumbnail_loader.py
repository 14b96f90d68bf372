"""Thumbnails: only visible images are read, upright as in the engine, with a reason if unreadable."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from s3n_core.datasets.decoding import read_image
from s3n_core.datasets.value_ranges import NO_RANGES, ValueRanges
from s3n_core.errors import UnreadableImage
from s3n_gui.background import thumbnails
from s3n_gui.background.thumbnail_reading import read_thumbnail
from s3n_gui.background.thumbnails import ThumbnailLoader

SIDE = 64


def corners(size: tuple[int, int] = (300, 200)) -> Image.Image:
    """An image with four different corners: red, green, blue and white."""
    small = Image.new("RGB", (2, 2))
    small.putdata([(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)])
    return small.resize(size, Image.Resampling.NEAREST)


def pixels(image: QImage) -> np.ndarray:
    converted = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(converted.constBits(), np.uint8).reshape(converted.height(), converted.bytesPerLine())
    return rows[:, : 3 * converted.width()].reshape(converted.height(), converted.width(), 3).astype(int)


def as_the_engine_sees_it(path: Path, banner: int = 0) -> np.ndarray:
    picture = read_image(path, banner=banner)
    picture.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(picture).astype(int)


def assert_alike(path: Path, banner: int = 0) -> None:
    mine, theirs = pixels(read_thumbnail(path, SIDE, banner=banner)), as_the_engine_sees_it(path, banner)
    assert np.abs(np.subtract(mine.shape, theirs.shape)).max() <= 1  # a side of 42.67 may be rounded either way
    height, width = min(mine.shape[0], theirs.shape[0]), min(mine.shape[1], theirs.shape[1])
    assert np.median(np.abs(mine[:height, :width] - theirs[:height, :width])) <= 3
    for row in (2, -3):
        for column in (2, -3):
            assert np.abs(mine[row, column] - theirs[row, column]).max() <= 12


def test_photographs_of_aircraft_are_shown_without_their_banner(qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "images" / "0787226.jpg"
    path.parent.mkdir()
    picture = corners((300, 220))
    picture.paste("magenta", (0, 200, 300, 220))
    picture.save(path, quality=95)
    assert read_thumbnail(path, SIDE).height() == round(SIDE * 220 / 300)
    (tmp_path / "images_variant_train.txt").write_text("0787226 F-16A/B\n")
    assert_alike(path, banner=20)
    loader = ThumbnailLoader(SIDE)
    with qtbot.waitSignal(loader.ready):
        assert loader.image(path) is None
    shown = loader.image(path)
    assert shown is not None
    assert shown.height() == round(SIDE * 200 / 300)
    loader.close()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_upright(tmp_path: Path, orientation: int, suffix: str) -> None:
    path = tmp_path / f"Zaunkönig{suffix}"
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    corners().save(path, exif=exif, quality=95)
    assert_alike(path)


@pytest.mark.parametrize("mode", ["L", "CMYK", "P", "RGBA", "LA", "I;16"])
def test_colours(tmp_path: Path, mode: str) -> None:
    if mode == "I;16":
        values = np.linspace(0, 65535, 300 * 200).astype(np.uint16).reshape(200, 300)
        Image.fromarray(values).save(tmp_path / "x.png")
        assert_alike(tmp_path / "x.png")
        return
    picture = corners().convert("RGBA" if mode in ("RGBA", "LA") else "RGB")
    if mode in ("RGBA", "LA"):
        picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    path = tmp_path / ("x.jpg" if mode in ("L", "CMYK") else "x.png")
    picture.convert(mode).save(path)
    assert_alike(path)


def test_a_small_image_is_not_enlarged(tmp_path: Path) -> None:
    for suffix in (".jpg", ".png"):
        corners((20, 10)).save(tmp_path / f"x{suffix}")
        image = read_thumbnail(tmp_path / f"x{suffix}", SIDE)
        assert (image.width(), image.height()) == (20, 10)


def test_a_very_long_image(tmp_path: Path) -> None:
    for suffix in (".jpg", ".png"):
        corners((3000, 4)).save(tmp_path / f"x{suffix}")
        image = read_thumbnail(tmp_path / f"x{suffix}", SIDE)
        assert (image.width(), image.height()) == (64, 1)


def test_broken_files_have_reasons(tmp_path: Path) -> None:
    whole = tmp_path / "whole.jpg"
    corners().save(whole)
    for name, data, reason in (
        ("empty.jpg", b"", "empty"),
        ("cut.jpg", whole.read_bytes()[:-500], "truncated"),
        ("words.png", b"this is no image", "not an image"),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UnreadableImage) as error:
            read_thumbnail(tmp_path / name, SIDE)
        assert reason in error.value.reason


# The loader


@pytest.fixture
def make_loader(qtbot: QtBot) -> Iterator[Callable[..., ThumbnailLoader]]:
    loaders: list[ThumbnailLoader] = []

    def make(**options: int) -> ThumbnailLoader:
        loaders.append(ThumbnailLoader(SIDE, **options))
        return loaders[-1]

    yield make
    for loader in loaders:
        loader.close()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The paths read so far; each read takes 5 ms and returns a plain image."""
    done: list[Path] = []

    def read(path: Path, side: int, banner: int = 0, ranges: ValueRanges = NO_RANGES) -> QImage:
        time.sleep(0.005)
        done.append(path)
        image = QImage(side, side, QImage.Format.Format_RGB888)
        image.fill(0)
        return image

    monkeypatch.setattr(thumbnails, "read_thumbnail", read)
    return done


def test_a_thumbnail_comes_when_it_is_ready(
    qtbot: QtBot, make_loader: Callable[..., ThumbnailLoader], tmp_path: Path
) -> None:
    path = tmp_path / "x.jpg"
    corners().save(path)
    loader = make_loader()
    with qtbot.waitSignal(loader.ready) as ready:
        assert loader.image(path) is None
    assert ready.args == [path]
    image = loader.image(path)
    assert image is not None
    assert (image.width(), image.height()) == (64, 43)
    assert loader.problem(path) is None


def test_a_broken_file_gets_a_placeholder_and_a_reason(
    qtbot: QtBot, make_loader: Callable[..., ThumbnailLoader], tmp_path: Path
) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(b"no image")
    loader = make_loader()
    with qtbot.waitSignal(loader.failed) as failed:
        assert loader.image(path) is None
    assert failed.args == [path, "it is not an image of a known format"]
    assert loader.problem(path) == "it is not an image of a known format"
    placeholder = loader.image(path)
    assert placeholder is not None
    assert not placeholder.isNull()


def test_of_ten_thousand_only_what_is_seen_is_read(
    qtbot: QtBot, make_loader: Callable[..., ThumbnailLoader], reads: list[Path]
) -> None:
    loader = make_loader()
    paths = [Path(f"{number}.jpg") for number in range(10_000)]
    began = time.perf_counter()
    for first in range(0, 10_000, 40):  # a drag of the scroll bar from one end to the other
        page = paths[first : first + 40]
        loader.keep_only(page)
        for path in page:
            assert loader.image(path) is None
    scrolled = time.perf_counter() - began
    last = paths[-40:]
    qtbot.waitUntil(lambda: all(path in reads for path in last))
    qtbot.wait(50)
    # Two threads each read one image per 5 ms while the bar is dragged, and then the last page.
    assert len(reads) <= 40 + 2 + scrolled / 0.005 * 2
    assert all(loader.image(path) is not None for path in last)
    assert len(set(reads)) == len(reads)


def test_the_newest_first(
    qtbot: QtBot, make_loader: Callable[..., ThumbnailLoader], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Path] = []
    go_on = threading.Event()

    def read(path: Path, side: int, *, banner: int, ranges: ValueRanges) -> QImage:
        begun.append(path)
        go_on.wait(60)
        return QImage(side, side, QImage.Format.Format_RGB888)

    monkeypatch.setattr(thumbnails, "read_thumbnail", read)
    loader = make_loader(threads=1)
    before, *paths = (Path(f"{number}.jpg") for number in range(-1, 50))
    loader.image(before)
    qtbot.waitUntil(lambda: begun == [before])
    for path in paths:
        loader.image(path)
    loader.image(paths[10])  # requested again: it is visible now
    go_on.set()
    qtbot.waitUntil(lambda: len(begun) == 51)
    assert begun == [before, paths[10], *(path for path in reversed(paths) if path != paths[10])]


def test_the_cache_is_bounded(qtbot: QtBot, make_loader: Callable[..., ThumbnailLoader], reads: list[Path]) -> None:
    one = 64 * 64 * 3
    loader = make_loader(cache_bytes=10 * one)
    for number in range(30):
        with qtbot.waitSignal(loader.ready):
            loader.image(Path(f"{number}.jpg"))
        assert loader.image(Path("0.jpg")) is not None  # used all the time
    assert loader.kept_bytes <= 10 * one
    assert loader.image(Path("5.jpg")) is None
    loader.set_cache_bytes(3 * one)
    assert loader.kept_bytes <= 3 * one, "a smaller bound holds at once"


def test_what_was_read_before_another_folder_opened_is_not_heard_of(
    qtbot: QtBot, make_loader: Callable[..., ThumbnailLoader], reads: list[Path]
) -> None:
    loader = make_loader()
    heard: list[Path] = []
    loader.ready.connect(heard.append)
    for number in range(20):
        loader.image(Path(f"{number}.jpg"))
    loader.clear()
    qtbot.wait(100)
    assert heard == []
    with qtbot.waitSignal(loader.ready):
        loader.image(Path("0.jpg"))


def test_a_file_that_is_being_read_while_all_are_dropped_is_read_again(
    qtbot: QtBot, make_loader: Callable[..., ThumbnailLoader], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    go_on = threading.Event()

    def read(path: Path, side: int, *, banner: int, ranges: ValueRanges) -> QImage:
        begun.append(len(begun))
        shade = begun[-1]
        if shade == 0:
            go_on.wait(60)
        image = QImage(side, side, QImage.Format.Format_RGB888)
        image.fill(QColor(shade, shade, shade))
        return image

    monkeypatch.setattr(thumbnails, "read_thumbnail", read)
    loader, path = make_loader(), Path("x.jpg")
    loader.image(path)
    qtbot.waitUntil(lambda: len(begun) == 1)
    loader.clear()
    with qtbot.waitSignal(loader.ready):
        assert loader.image(path) is None  # a view asks as it repaints, and not again
    go_on.set()
    qtbot.wait(50)
    shown = loader.image(path)
    assert shown is not None
    assert int(pixels(shown).max()) == 1, "the newest, also after the old one has arrived"
    assert len(begun) == 2


def test_closing_while_it_reads(qtbot: QtBot, make_loader: Callable[..., ThumbnailLoader], reads: list[Path]) -> None:
    loader = make_loader()
    for number in range(1000):
        loader.image(Path(f"{number}.jpg"))
    loader.close()
    loader.image(Path("more.jpg"))
    qtbot.wait(50)
    assert len(reads) < 100


def test_values_of_more_than_8_bits_are_shown_in_the_range_of_the_open_model(
    qtbot: QtBot, make_loader: Callable[..., ThumbnailLoader], tmp_path: Path
) -> None:
    path = tmp_path / "dark.tif"
    Image.fromarray(np.linspace(0, 900, SIDE * SIDE).reshape(SIDE, SIDE).astype(np.uint16)).save(path)
    loader = make_loader()

    def brightest() -> int:
        with qtbot.waitSignal(loader.ready):
            assert loader.image(path) is None
        shown = loader.image(path)
        assert shown is not None
        return int(pixels(shown).max())

    assert brightest() == pytest.approx(255 * 900 / 1023, abs=2)  # its own range: 10 bits hold 900
    for ranges, wanted in (
        (ValueRanges(integers=(0.0, 4095.0)), 255 * 900 / 4095),
        (ValueRanges(floats=(0.0, 1.0)), 255 * 900 / 1023),
    ):
        with qtbot.waitSignal(loader.outdated):
            loader.set_ranges(ranges)
        assert brightest() == pytest.approx(wanted, abs=2)
    loader.set_ranges(ValueRanges(floats=(0.0, 1.0)))  # the same again
    assert loader.image(path) is not None
