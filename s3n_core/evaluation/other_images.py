"""Which other image stands in for each image where a measure needs one as a control. Without torch."""

from __future__ import annotations

import numpy as np

from s3n_core.system.seeding import keyed_generator


def other_images(count: int, seed: int = 0) -> tuple[int, ...]:
    """Return the partner of each of so many images: another one at random, each once; a single image has itself.

    The next image in the data set's order would not do: data sets are listed class by class, so it nearly always shows the same
    class.
    """
    order = keyed_generator(seed, "views of other images").permutation(count)
    partner = np.empty(count, dtype=np.intp)
    partner[order] = np.roll(order, -1)
    return tuple(partner.tolist())
