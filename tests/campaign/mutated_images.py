"""Damaged image files: the decoder returns an image or raises a clear error, whatever the file contains.

    python tests/campaign/mutated_images.py --count 1000 --seed 0 --out mutated_images.json

Each case damages one small image (in any format that this Pillow can write and read), then decodes it and reads its
header. The child process has 4 GiB of address space, so a file that makes a decoder allocate more is detected, too.
"""

import random
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "tests")]

from campaign.guarded import main  # noqa: E402
from campaign.image_samples import samples  # noqa: E402
from campaign.mutations import mutated  # noqa: E402

from s3n_core.datasets.decoding import PIXEL_LIMIT, image_size, read_image  # noqa: E402
from s3n_core.errors import UnreadableImage  # noqa: E402


def mutated_image(seed: int, number: int, folder: Path, *, pixel_limit: int = PIXEL_LIMIT) -> str:
    """Damage one image and read it.

    Returns:
        "image" or "sentence".

    Raises:
        Exception: A defect: neither of the two.
    """
    rng = random.Random(f"{seed} {number}")
    files = samples()
    name = list(files)[number % len(files)]
    _, data = mutated(files[name], files[rng.choice(list(files))], rng)
    path = folder / "image.png"  # the decoder uses the content, never the name
    path.write_bytes(data)
    try:
        size = image_size(path, pixel_limit=pixel_limit)
    except UnreadableImage as error:
        _check_sentence(error, path)
        size = None
    try:
        image = read_image(path, pixel_limit=pixel_limit)
    except UnreadableImage as error:
        _check_sentence(error, path)
        return "sentence"
    assert image.mode == "RGB", image.mode
    assert image.size == size, (image.size, size)
    assert image.width * image.height <= pixel_limit
    return "image"


def _check_sentence(error: UnreadableImage, path: Path) -> None:
    assert error.path == path
    assert 0 < len(error.reason) < 300, error.reason
    assert "\n" not in error.reason, error.reason


if __name__ == "__main__":
    samples()  # first, so that it does not count towards the first case
    sys.exit(main(__file__, mutated_image, 1000, 4 << 30))
