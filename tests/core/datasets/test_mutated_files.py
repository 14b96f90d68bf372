"""The quick part of the campaign on damaged files: an image or a clear error, a data set or a clear error.

The long part, in child processes that may crash, hang or run out of memory: tests/campaign/mutated_images.py and
tests/campaign/mutated_tables.py.
"""

from collections import Counter
from pathlib import Path

import pytest
from campaign.image_samples import samples
from campaign.mutated_images import mutated_image
from campaign.mutated_tables import mutated_table

from s3n_core.datasets.decoding import read_image
from s3n_core.errors import UnreadableImage


def test_samples_are_whole(tmp_path: Path) -> None:
    """All undamaged samples of supported formats can be read, so the campaign tests only the damage."""
    read = set()
    for name, data in samples().items():
        path = tmp_path / "image"
        path.write_bytes(data)
        try:
            read.add((name, read_image(path).mode))
        except UnreadableImage as error:
            assert error.reason == "it is not an image of a known format", name  # noqa: PT017 (every sample is tried)
    assert len(read) >= 28
    assert {"JPEG", "PNG", "GIF", "BMP", "TIFF", "PPM", "WEBP"} <= {name for name, _ in read}


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_damaged_images(tmp_path: Path) -> None:
    outcomes = Counter(mutated_image(7, number, tmp_path, pixel_limit=4_000_000) for number in range(200))
    assert set(outcomes) == {"image", "sentence"}


def test_damaged_tables(tmp_path: Path) -> None:
    outcomes: Counter[str] = Counter()
    for number in range(200):
        folder = tmp_path / str(number)
        folder.mkdir()
        outcomes[mutated_table(7, number, folder)] += 1
    assert {"data set", "sentence"} <= set(outcomes)
