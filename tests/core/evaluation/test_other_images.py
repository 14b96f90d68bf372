"""The image that stands in for another one as a control."""

import numpy as np

from s3n_core.evaluation.other_images import other_images


def test_every_image_stands_in_once_for_another_one() -> None:
    for count in (2, 3, 50):
        partner = other_images(count)
        assert sorted(partner) == list(range(count))
        assert all(other != image for image, other in enumerate(partner))
    assert other_images(1) == (0,)
    assert other_images(0) == ()


def test_partners_are_seldom_of_the_same_class_although_data_sets_are_listed_class_by_class() -> None:
    labels = np.repeat(np.arange(10), 30)
    same = labels[list(other_images(300))] == labels
    assert same.mean() < 0.2  # by chance 0.1; the next image in the list: 0.97
