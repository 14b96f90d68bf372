"""Images of more than 8 bits: each named rule, on files that other programs write, and the range of a training."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from s3n_core.datasets.decoding import has_wide_values, image_size, read_image, read_wide_values, upright_rgb
from s3n_core.datasets.range_finding import find_ranges
from s3n_core.datasets.records import ImageRecord
from s3n_core.datasets.value_ranges import RangeWatch, ValueRanges

TWELVE_BITS = ValueRanges(integers=(0.0, 4095.0))
RAMP = np.linspace(0, 4095, 64).round().astype(np.uint16).reshape(8, 8)
EIGHT_BITS = np.rint(RAMP / 4095 * 255).astype(np.uint8)


def png(bits: int, colour: int, values: np.ndarray) -> bytes:
    """A PNG by hand, of whatever channels: what Pillow does not write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2" if bits == 16 else "u1").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def tiff(values: np.ndarray, *, photometric: int | None = None, order: str = "<", planar: bool = False) -> bytes:
    """An uncompressed TIFF by hand, of any sample type, colours or grey, in either byte order."""
    height, width = values.shape[:2]
    channels = values.shape[2] if values.ndim == 3 else 1
    formats = {"u": 1, "i": 2, "f": 3}
    bits = values.dtype.itemsize * 8
    planes = np.moveaxis(values, 2, 0) if planar else values
    data = planes.astype(values.dtype.newbyteorder(order)).tobytes()
    count = channels if planar else 1
    photometric = (2 if channels > 1 else 1) if photometric is None else photometric
    extra = 8 + 2 + 12 * 11 + 4
    bits_at, offsets_at, counts_at, formats_at = (extra + 16 * place for place in range(4))
    start = extra + 64

    def entry(tag: int, kind: int, number: int, value: int) -> bytes:
        packed = struct.pack(order + "HH", value, 0) if kind == 3 and number == 1 else struct.pack(order + "I", value)
        return struct.pack(order + "HHI", tag, kind, number) + packed

    many = channels > 1
    size = len(data) // count
    entries = [
        entry(256, 3, 1, width),
        entry(257, 3, 1, height),
        entry(258, 3, channels, bits_at if many else bits),
        entry(259, 3, 1, 1),
        entry(262, 3, 1, photometric),
        entry(273, 4, count, offsets_at if count > 1 else start),
        entry(277, 3, 1, channels),
        entry(278, 3, 1, height),
        entry(279, 4, count, counts_at if count > 1 else size),
        entry(284, 3, 1, 2 if planar else 1),
        entry(339, 3, channels, formats_at if many else formats[values.dtype.kind]),
    ]
    tables = [
        struct.pack(order + f"{channels}H", *[bits] * channels),
        struct.pack(order + f"{count}I", *[start + size * place for place in range(count)]),
        struct.pack(order + f"{count}I", *[size] * count),
        struct.pack(order + f"{channels}H", *[formats[values.dtype.kind]] * channels),
    ]
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, len(entries))
    return (
        head
        + b"".join(entries)
        + struct.pack(order + "I", 0)
        + b"".join(table.ljust(16, b"\0") for table in tables)
        + data
    )


def grey_of(path: Path, ranges: ValueRanges) -> np.ndarray:
    """The decoded image, of which all channels are equal."""
    pixels = np.asarray(read_image(path, ranges=ranges))
    assert (pixels == pixels[..., :1]).all()
    return pixels[..., 0]


def colours(values: np.ndarray) -> np.ndarray:
    return np.stack([values, values[::-1], values[:, ::-1]], axis=-1)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("image.tif", tiff(RAMP)),
        ("big-endian.tif", tiff(RAMP, order=">")),
        ("image.png", png(16, 0, RAMP)),
        ("signed.tif", tiff(RAMP.astype(np.int16))),
        ("signed-32.tif", tiff(RAMP.astype(np.int32))),
        ("unsigned-32.tif", tiff(RAMP.astype(np.uint32))),
        ("image.pgm", b"P5 8 8 4095\n" + RAMP.astype(">u2").tobytes()),
        ("plain.pgm", b"P2 8 8 4095\n" + b" ".join(b"%d" % value for value in RAMP.ravel())),
        ("without-suffix", tiff(RAMP)),
    ],
)
def test_grey_of_any_file_is_scaled_by_the_range(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert has_wide_values(tmp_path / name)
    np.testing.assert_array_equal(grey_of(tmp_path / name, TWELVE_BITS), EIGHT_BITS)
    np.testing.assert_array_equal(read_wide_values(tmp_path / name).values, RAMP)


@pytest.mark.parametrize("layout", ["png", "little", "big", "planar", "lzw", "opaque png", "opaque tiff"])
def test_colours_of_sixteen_bits_keep_their_lower_bytes(tmp_path: Path, layout: str) -> None:
    values = colours(RAMP)
    opaque = np.concatenate([values, np.full((8, 8, 1), 65535, np.uint16)], axis=2)
    content = {
        "png": png(16, 2, values),
        "little": tiff(values),
        "big": tiff(values, order=">"),
        "planar": tiff(values, planar=True),
        "opaque png": png(16, 6, opaque),
    }
    path = tmp_path / ("image.png" if "png" in layout else "image.tif")
    if layout in content:
        path.write_bytes(content[layout])
    else:
        import cv2

        cv2.imwrite(str(path), opaque[..., [2, 1, 0, 3]] if layout == "opaque tiff" else values[..., ::-1])
    assert has_wide_values(path)
    decoded = np.asarray(read_image(path, ranges=TWELVE_BITS))
    np.testing.assert_array_equal(decoded, colours(EIGHT_BITS))
    with Image.open(path) as image:
        np.testing.assert_array_equal(np.asarray(upright_rgb(image, path, ranges=TWELVE_BITS)), decoded)
    # Without a range the upper byte, as ever; planes, of which Pillow made noise, rounded.
    np.testing.assert_allclose(np.asarray(read_image(path)), colours(RAMP >> 8), atol=int(layout == "planar"))


def test_transparency_lies_on_white_in_grey_and_colour(tmp_path: Path) -> None:
    alpha = np.where(np.arange(8) < 4, 0, 65535).astype(np.uint16) * np.ones((8, 1), np.uint16)
    (tmp_path / "grey.png").write_bytes(png(16, 4, np.stack([RAMP, alpha], axis=-1)))
    grey = grey_of(tmp_path / "grey.png", TWELVE_BITS)
    assert (grey[:, :4] == 255).all()
    np.testing.assert_array_equal(grey[:, 4:], EIGHT_BITS[:, 4:])


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [np.uint16, np.int16, np.float32])
def test_white_is_zero_is_turned_within_the_range(tmp_path: Path, order: str, kind: type) -> None:
    """Pillow alone refuses most of them in big-endian order, and the signed ones in both."""
    (tmp_path / "film.tif").write_bytes(tiff((4095 - RAMP).astype(kind), photometric=0, order=order))
    assert has_wide_values(tmp_path / "film.tif")
    assert image_size(tmp_path / "film.tif") == (8, 8)
    ranges = ValueRanges(integers=(0, 4095), floats=(0, 4095))
    np.testing.assert_array_equal(grey_of(tmp_path / "film.tif", ranges), 255 - np.rint((4095 - RAMP) * (255 / 4095)))


def test_white_is_zero_in_a_compressed_big_endian_file(tmp_path: Path) -> None:
    content, pixels = tiff(4095 - RAMP, photometric=0, order=">"), (4095 - RAMP).astype(">u2").tobytes()
    packed = zlib.compress(pixels)
    for tag, before, after in ((259, 1, 8), (279, len(pixels), len(packed))):  # the compression, and the pixels' size
        place = content.index(struct.pack(">H", tag)) + 8
        value = content[place : place + 4]
        assert before in struct.unpack(">HH", value) + struct.unpack(">I", value)
        content = (
            content[:place] + struct.pack(">HH", *((after, 0) if tag == 259 else (0, after))) + content[place + 4 :]
        )
    (tmp_path / "film.tif").write_bytes(content.removesuffix(pixels) + packed)
    np.testing.assert_array_equal(
        grey_of(tmp_path / "film.tif", TWELVE_BITS), 255 - np.rint((4095 - RAMP) * (255 / 4095))
    )


def test_the_range_holds_for_values_beyond_it_and_for_what_is_no_number(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(np.array([[0, 2048, 4095, 65535]], np.uint16)))
    assert grey_of(tmp_path / "a.tif", TWELVE_BITS).tolist() == [[0, 128, 255, 255]]
    (tmp_path / "b.tif").write_bytes(tiff(np.array([[-1, 0.5, 2, np.nan, np.inf]], np.float32)))
    assert grey_of(tmp_path / "b.tif", ValueRanges(floats=(0.0, 1.0))).tolist() == [[0, 128, 255, 0, 255]]


def test_images_of_eight_bits_need_no_range(tmp_path: Path) -> None:
    pixels = colours(EIGHT_BITS)
    for name in ("a.png", "a.tif", "a.ppm", "a.bmp"):
        Image.fromarray(pixels).save(tmp_path / name)
        assert not has_wide_values(tmp_path / name)
        np.testing.assert_array_equal(np.asarray(read_image(tmp_path / name, ranges=TWELVE_BITS)), pixels)
        assert read_wide_values(tmp_path / name) is None


def test_without_a_range_images_are_read_as_ever(tmp_path: Path) -> None:
    (tmp_path / "grey.tif").write_bytes(tiff(RAMP))
    (tmp_path / "film.tif").write_bytes(tiff(RAMP, photometric=0))
    (tmp_path / "colour.png").write_bytes(png(16, 2, colours(RAMP)))
    grey = np.rint(RAMP / 65535 * 255)
    np.testing.assert_array_equal(grey_of(tmp_path / "grey.tif", ValueRanges()), grey)
    np.testing.assert_array_equal(grey_of(tmp_path / "film.tif", ValueRanges()), 255 - grey)  # as with 8 bits
    np.testing.assert_array_equal(np.asarray(read_image(tmp_path / "colour.png")), colours(RAMP >> 8))


def test_an_image_may_be_shown_in_its_own_range(tmp_path: Path) -> None:
    (tmp_path / "grey.tif").write_bytes(tiff(RAMP))
    np.testing.assert_array_equal(np.asarray(read_image(tmp_path / "grey.tif", own_range=True))[..., 0], EIGHT_BITS)


def records(folder: Path, *contents: bytes) -> list[ImageRecord]:
    paths = [folder / f"{number}.tif" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return [ImageRecord(path=path, name=path.name, label=0) for path in paths]


def with_hot_pixels(values: np.ndarray) -> np.ndarray:
    """60 x 60 pixels of them, three of which are at the top of their type."""
    large = np.tile(values, (8, 8))[:60, :60].copy()
    large[5, 7:10] = np.iinfo(values.dtype).max
    return large


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (with_hot_pixels(RAMP), (0, 4095)),
        (with_hot_pixels(RAMP // 4), (0, 1023)),
        (with_hot_pixels(RAMP // 16), (0, 255)),
        (with_hot_pixels(RAMP // 100), (0, 40)),
        (RAMP * 16, (0, 65535)),
        (RAMP // 4 + 29000, (29000, 30023)),
        (RAMP.astype(np.int16) - 1024, (-1024, 3071)),
        (RAMP.astype(np.int32) * 4096, (0, 2**24 - 1)),
        (RAMP.astype(np.uint32) * 2**20, (0, 2**32 - 1)),
        (np.full((8, 8), 700, np.uint16), (700, 701)),
    ],
)
def test_the_range_of_whole_numbers(tmp_path: Path, values: np.ndarray, found: tuple[float, float]) -> None:
    assert find_ranges(records(tmp_path, tiff(values))) == ValueRanges(integers=found)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (RAMP / 4095, (0, 1)),
        (RAMP / 4095 * 200, (0, 255)),
        (RAMP / 4095 * 0.125, (0, 0.125)),
        (RAMP / 4095 * 2 - 1, (-1, 1)),
    ],
)
def test_the_range_of_floating_point_numbers(tmp_path: Path, values: np.ndarray, found: tuple[float, float]) -> None:
    ranges = find_ranges(records(tmp_path, tiff(values.astype(np.float32))))
    assert ranges.integers is None
    assert ranges.floats == pytest.approx(found, rel=1e-4)


def test_the_range_is_that_of_all_images_and_told(tmp_path: Path) -> None:
    contents = [tiff(np.full((4, 4), 300, np.uint16)), tiff(RAMP), tiff(np.full((4, 4), 0.75, np.float32)), b"broken"]
    eight = ImageRecord(path=tmp_path / "a.png", name="a.png", label=0)
    Image.fromarray(EIGHT_BITS).save(eight.path)
    told: list[str] = []
    ranges = find_ranges([*records(tmp_path, *contents), eight], told.append)
    assert ranges == ValueRanges(integers=(0, 4095), floats=(0.75, 1.75))
    assert told[0].startswith("3 of 5 training images have more than 8 bits")
    assert "0 to 4,095 (whole numbers)" in told[1]


def test_images_of_eight_bits_are_not_decoded(tmp_path: Path) -> None:
    """Only first bytes are read: files that end there are as good as whole ones."""
    for name in ("a.jpg", "b.png", "c.tif"):
        Image.fromarray(EIGHT_BITS).save(tmp_path / name)
    (tmp_path / "b.png").write_bytes((tmp_path / "b.png").read_bytes()[:33])
    (tmp_path / "d.jpeg").mkdir()  # never opened: its suffix says enough
    found = [ImageRecord(path=path, name=path.name, label=0) for path in sorted(tmp_path.iterdir())]
    told: list[str] = []
    assert find_ranges(found, told.append) == ValueRanges()
    assert not told


@pytest.mark.parametrize(
    ("values", "numbers"),
    [
        (RAMP * 2, ("0 to 8,190", "0 to 4,095", "beyond")),
        (RAMP // 5, ("0 to 819", "0 to 4,095", "less than a quarter")),
        (RAMP // 2, None),
        (RAMP, None),
    ],
)
def test_values_that_do_not_suit_the_range_are_told(values: np.ndarray, numbers: tuple[str, ...] | None) -> None:
    watch = RangeWatch(TWELVE_BITS)
    watch.add("integers", values)
    warnings = watch.warnings()
    assert len(warnings) == (numbers is not None)
    for number in numbers or ():
        assert number in warnings[0]


def test_a_model_without_a_range_warns_of_dark_images() -> None:
    watch = RangeWatch(ValueRanges())
    watch.add("integers", RAMP)
    (warning,) = watch.warnings()
    assert "0 to 4,095" in warning
    assert "0 to 65,535" in warning


@pytest.mark.parametrize("wrong", [(1.0, 1.0), (2.0, 1.0), (0.0, float("inf")), (1.0,), (0.0, float("nan"))])
def test_a_range_rises(wrong: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="two rising numbers"):
        ValueRanges(integers=wrong)  # type: ignore[arg-type]


def test_a_picture_in_memory_is_scaled_too() -> None:
    image = Image.fromarray(RAMP)
    decoded = upright_rgb(image, Path("memory"), ranges=TWELVE_BITS)
    np.testing.assert_array_equal(np.asarray(decoded)[..., 0], EIGHT_BITS)
    compressed = io.BytesIO()
    image.save(compressed, "TIFF", compression="tiff_lzw")
    compressed.seek(0)
    with TiffImagePlugin.TiffImageFile(compressed) as opened:
        np.testing.assert_array_equal(
            np.asarray(upright_rgb(opened, Path("lzw"), ranges=TWELVE_BITS)), np.asarray(decoded)
        )
