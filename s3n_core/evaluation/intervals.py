"""The 95 % interval of an accuracy, and the one text in which every accuracy is shown. Imports neither torch nor NumPy."""

from __future__ import annotations

import math

NORMAL_95 = 1.959963984540054
"""Two-sided 95 % quantile of the standard normal distribution."""

NO_ACCURACY = "–"
"""The text of an accuracy that does not exist, because there are no images."""

_FEW = 10
"""Below this number of images a share says little, so its interval comes first."""
_MANY = 1000
"""From this number of images on, tenths of a percent are shown: the interval is narrow enough."""


def wilson_interval(correct: int, count: int, *, z: float = NORMAL_95) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion, which is also valid for few images and near 0 and 1.

    Args:
        correct: Number of correct images.
        count: Number of all images, at least 1.
        z: Quantile of the standard normal distribution; the default gives 95 %.

    Returns:
        Lower and upper end, in [0, 1].
    """
    share, square = correct / count, z * z / count
    centre = (share + square / 2) / (1 + square)
    half = z * math.sqrt(share * (1 - share) / count + square / (4 * count)) / (1 + square)
    return max(0.0, centre - half), min(1.0, centre + half)


def accuracy_text(correct: int, count: int) -> str:
    """Return an accuracy with its number of images and 95 % Wilson interval: "53 % of 30 (36 to 70)".

    Args:
        correct: Number of correct images.
        count: Number of images. Without any the text is "–"; of fewer than ten it is "30 to 95 % (3 of 4)"; of a
            thousand or more it has tenths: "87.3 % of 5,794 (86.4 to 88.1)". It is never rounded to none or all of them:
            "99.8 % of 600 (98.9 to 100.0)".
    """
    if not count:
        return NO_ACCURACY
    share, low, high = _percents(correct, count)
    if count < _FEW:
        return f"{low} to {high} % ({correct} of {count})"
    return f"{share} % of {count:,} ({low} to {high})"


def share_text(part: int, whole: int) -> str:
    """Return how many of some images have something in common, such as a mistake: "3 of 600 (0.5 %, 0.2 to 1.5)".

    Args:
        part: Number of these images.
        whole: Number of all. Without any the text is "–"; of fewer than ten it is "1 of 5 (4 to 62 %)".
    """
    if not whole:
        return NO_ACCURACY
    share, low, high = _percents(part, whole)
    spread = f"{low} to {high} %" if whole < _FEW else f"{share} %, {low} to {high}"
    return f"{part:,} of {whole:,} ({spread})"


def _percents(part: int, whole: int) -> tuple[str, str, str]:
    """Return a share and the ends of its interval in percent, with as many places as they need."""
    share = 100 * part / whole
    places = 1 if whole >= _MANY else 0
    while 0 < part < whole and float(f"{share:.{places}f}") in (0, 100):
        places += 1
    low, high = wilson_interval(part, whole)
    return f"{share:.{places}f}", f"{100 * low:.{places}f}", f"{100 * high:.{places}f}"


def accuracy_share_text(share: float | None, count: int | None) -> str:
    """Return the text of an accuracy that a file holds as a share, such as a run's; see `accuracy_text`.

    Args:
        share: The accuracy in [0, 1]; None or not finite where there is none: the text is "–".
        count: Number of images; None or 0 where it is not known: the text is "53 % of ?".
    """
    if share is None or not math.isfinite(share):
        return NO_ACCURACY
    if not count:
        return f"{100 * share:.0f} % of ?"
    return accuracy_text(round(share * count), count)


def mean_accuracy_text(share: float, interval: tuple[float, float]) -> str:
    """Return the text of a mean of accuracies, which is not a share of images: "52 % (40 to 63)".

    Args:
        share: The mean, in [0, 1].
        interval: Its 95 % interval, in [0, 1].
    """
    return f"{100 * share:.0f} % ({100 * interval[0]:.0f} to {100 * interval[1]:.0f})"


def interval_of_share(share: float | None, count: int | None) -> tuple[float, float] | None:
    """Return the 95 % Wilson interval of an accuracy that a file holds as a share; None where it is not known."""
    if share is None or not math.isfinite(share) or not count:
        return None
    return wilson_interval(round(share * count), count)
