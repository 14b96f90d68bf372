"""Key points as peaks: they lie where the view shows them, whatever it crops and mirrors."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from s3n_core.datasets.records import ImageRecord, Part
from s3n_core.datasets.transforms import Augmentation, Preprocess, source_box, test_view, train_view, training_box
from s3n_core.errors import DataSetError
from s3n_core.method.configuration import NetworkChoices
from s3n_core.models.true_places import TruePlaces
from s3n_core.system.seeding import keyed_generator

SIZE = (150, 90)
CHOICES = NetworkChoices(input_size=62, source_size=62, map_size=31, control="true_places")
PREPROCESS = Preprocess(input_size=62, source_size=62)


def record(*parts: Part) -> ImageRecord:
    return ImageRecord(path=Path("bird.png"), name="bird.png", parts=parts)


def dotted(x: float, y: float) -> Image.Image:
    image = Image.new("RGB", SIZE)
    image.paste((255, 255, 255), (round(x) - 4, round(y) - 4, round(x) + 5, round(y) + 5))
    return image


@pytest.mark.parametrize("seed", range(12))
def test_a_key_point_is_the_cell_where_an_augmented_view_shows_it(seed: int) -> None:
    x, y = 40 + 6 * seed, 60 - 3 * seed
    augmentation = Augmentation(crop_scale=(0.5, 1.0))
    view = train_view(dotted(x, y), PREPROCESS, augmentation, keyed_generator(seed))
    box = training_box(SIZE, PREPROCESS, augmentation, keyed_generator(seed))
    peaks = TruePlaces([record(Part(name="beak", x=x + 0.5, y=y + 0.5))], CHOICES, PREPROCESS).peaks(
        ["bird.png"], [box]
    )
    bright = np.argwhere(view[:, :, 0] > 200)
    if not peaks.any():  # cropped away
        assert len(bright) == 0 or bright.min() < 5 or bright.max() > 56
        return
    ((row, column),) = np.argwhere(peaks[0])
    assert np.abs(bright.mean(axis=0) / 61 * 30 - (row, column)).max() < 1.2


def test_only_named_key_points_count_and_some_must_exist() -> None:
    both = record(Part(name="beak", x=10, y=10), Part(name="belly", x=140, y=80))
    whole = [(source_box(SIZE, PREPROCESS), False)]
    assert test_view(dotted(10, 10), PREPROCESS).shape == (62, 62, 3)
    assert TruePlaces([both], CHOICES, PREPROCESS).peaks(["bird.png"], whole).sum() == 2
    named = CHOICES.model_copy(update={"control_places": ("beak",)})
    beak = TruePlaces([both], named, PREPROCESS).peaks(["bird.png"], whole)
    assert np.argwhere(beak[0]).tolist() == [[3, 2]]
    assert not TruePlaces([both], CHOICES, PREPROCESS).peaks(["another.png"], whole).any()
    with pytest.raises(DataSetError, match="true_places needs images with key points named beak"):
        TruePlaces([replace(both, parts=())], named, PREPROCESS)
