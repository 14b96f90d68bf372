"""Training on classes of unequal size: which images an epoch shows how often, and how much each counts.

Free of torch. Everything is a function of (seed, epoch) and the list of training images, so a resumed run, another number of
processes or other micro-batches change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.loading import Sample
from s3n_core.system.seeding import epoch_order, keyed_generator
from s3n_core.training.recipe import Balance

_REPEAT = "\0"  # cannot stand in a file name, so no image has the key of another one's repetition


def class_weights(labels: Sequence[int] | NDArray[np.int64], classes: int) -> NDArray[np.float32]:
    """Return how much an image of each class counts in the loss: N / (C n_c).

    N training images lie in C classes that have any, n_c of them in class c. This is the inverse class frequency (King and
    Zeng, "Logistic regression in rare events data", Political Analysis 9, 2001), scaled as scikit-learn's
    ``class_weight="balanced"``: the mean weight over the training images is 1, so the learning rates keep their meaning.

    Args:
        labels: The class of each training image, indices below ``classes``.
        classes: Number of classes.

    Returns:
        Shape (classes,); 0 for a class without training images.
    """
    counts = np.bincount(np.asarray(labels, dtype=np.int64), minlength=classes)
    present = counts > 0
    weights = np.zeros(classes, dtype=np.float32)
    weights[present] = counts.sum() / (present.sum() * counts[present])
    return weights


def balanced_order(seed: int, epoch: int, labels: Sequence[int]) -> NDArray[np.int64]:
    """Return the order of an epoch in which every class is shown equally often.

    Class-balanced sampling (Kang et al., "Decoupling representation and classifier for long-tailed recognition", ICLR 2020)
    in its even form: instead of drawing a class for every image, the N places of an epoch are shared out. Each of the C
    classes gets floor(N / C) places; the N mod C places left over go to classes that the epoch draws, one each. A class goes
    through all its images in an order that the epoch draws, and begins again as often as needed; where it has more images than
    places, the rest waits for another epoch.

    Args:
        seed: The run's seed.
        epoch: The epoch, from 0.
        labels: The class of each of the N training images.

    Returns:
        N positions in ``labels``, shape (N,), in the order in which they are shown.
    """
    members: dict[int, list[int]] = {}
    for position, label in enumerate(labels):
        members.setdefault(label, []).append(position)
    places, rest = divmod(len(labels), len(members))
    names = sorted(members)
    lucky = {names[place] for place in keyed_generator(seed, epoch, "balance classes").permutation(len(names))[:rest]}
    chosen: list[NDArray[np.int64]] = []
    for label in names:
        own = np.array(members[label], dtype=np.int64)
        drawn = own[keyed_generator(seed, epoch, "balance images", label).permutation(len(own))]
        chosen.append(np.resize(drawn, places + (label in lucky)))
    visits = np.concatenate(chosen)
    return visits[epoch_order(seed, epoch, len(visits))]


def epoch_samples(balance: Balance, seed: int, epoch: int, samples: Sequence[Sample]) -> list[Sample]:
    """Return the training images of an epoch in the order in which it shows them.

    An image that is shown again in the same epoch has a key of its own (`Sample.name`), so that its crop and its draws are
    others; `plain_name` returns the image's name.

    Args:
        balance: The recipe's choice.
        seed: The run's seed.
        epoch: The epoch, from 0.
        samples: The training images, all with a label.

    Returns:
        As many as there are training images.
    """
    if balance != "sampling":
        return [samples[position] for position in epoch_order(seed, epoch, len(samples))]
    shown: dict[int, int] = {}
    visits = []
    for position in balanced_order(seed, epoch, [sample.label or 0 for sample in samples]).tolist():
        sample, before = samples[position], shown.get(position, 0)
        visits.append(replace(sample, name=f"{sample.name}{_REPEAT}{before}") if before else sample)
        shown[position] = before + 1
    return visits


def plain_name(key: str) -> str:
    """Return the name in the data set of an image that has the key ``key`` in an epoch."""
    return key.partition(_REPEAT)[0]
