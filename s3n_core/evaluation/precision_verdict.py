"""The rules by which float32+bfloat16 is held against float32, and the sentences that say the result. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from s3n_core.evaluation.intervals import NORMAL_95, share_text, wilson_interval
from s3n_core.models.device_names import MIXED, PrecisionName
from s3n_core.models.tuned_precisions import TunedPrecision

LEAST_AGREEMENT = 0.995
"""The lower end of the 95 % interval of the share of images with the same predicted class must reach this."""
MARGIN = 0.05
"""A difference of time that may be noise."""
ROUNDS = 9
"""Rounds on a whole batch. The second smallest and second largest of nine ratios enclose their median in 96 % of cases."""
_LONG, _FAR = 2.0, 6.0
"""Seconds and ratio with which the very first round decides: preparing once takes less."""
_FIRST_RATIOS = (3.0, 1.5)
"""Ratios of times at which the first counted round of one image decides alone, and at which it does with the second."""
_LEAST_ROUNDS = 3
_ALL_ROUNDS = 1 + len(_FIRST_RATIOS) + 1 + ROUNDS

Progress = Callable[[int, int], object]


@dataclass(frozen=True, slots=True)
class TimeComparison:
    """The times of both precisions.

    Attributes:
        float32_seconds: Median time of an image in float32.
        mixed_seconds: The same in float32+bfloat16.
        faster: Whether float32+bfloat16 is faster by more than noise.
        rounds: Rounds that were counted.
    """

    float32_seconds: float
    mixed_seconds: float
    faster: bool
    rounds: int


def compare_times(
    run: Callable[[PrecisionName, int], object],
    images: int,
    *,
    clock: Callable[[], float],
    progress: Progress | None = None,
) -> TimeComparison:
    """Let both precisions take turns on the same images, and stop as soon as float32+bfloat16 is clearly slower.

    Each round runs both, in alternating order, so that other work on the machine slows both. The first rounds use a single
    image: where bfloat16 is calculated in software, a batch takes minutes. The very first includes what is prepared once, so
    it decides only if it is far slower. Then follow `ROUNDS` on all images, after one that is not counted.

    Args:
        run: Computes that many of the images in a precision.
        images: Number of images, at least 1.
        clock: Returns seconds.
        progress: Called with the number of rounds done, and of all.
    """
    done = 0

    def round_of(count: int) -> tuple[float, float]:
        """Return the seconds of an image in float32 and in float32+bfloat16."""
        nonlocal done
        seconds: dict[PrecisionName, float] = {}
        order: tuple[PrecisionName, ...] = ("float32", MIXED) if done % 2 else (MIXED, "float32")
        for precision in order:
            began = clock()
            run(precision, count)
            seconds[precision] = (clock() - began) / count
        done += 1
        if progress is not None:
            progress(done, _ALL_ROUNDS)
        return seconds["float32"], seconds[MIXED]

    first = round_of(1)
    slower = first[1] >= _LONG and _ratio(first) >= _FAR
    rounds = [first] if slower else []
    for clearly in () if slower else _FIRST_RATIOS:
        rounds.append(round_of(1))
        if slower := min(map(_ratio, rounds)) >= clearly:
            break
    if not slower:
        round_of(images)
        rounds = []
        while len(rounds) < ROUNDS and not (len(rounds) >= _LEAST_ROUNDS and min(map(_ratio, rounds)) > 1 + MARGIN):
            rounds.append(round_of(images))
    if progress is not None:
        progress(_ALL_ROUNDS, _ALL_ROUNDS)
    float32_seconds, mixed_seconds = (median(side) for side in zip(*rounds, strict=True))
    faster = len(rounds) == ROUNDS and sorted(map(_ratio, rounds))[-2] < 1 - MARGIN
    return TimeComparison(float32_seconds, mixed_seconds, faster, len(rounds))


def verdict(faster: bool, same: int, images: int) -> PrecisionName:
    """Return float32+bfloat16 if it is faster and surely predicts the same classes (`LEAST_AGREEMENT`), else float32."""
    agrees = images > 0 and wilson_interval(same, images)[0] >= LEAST_AGREEMENT
    return MIXED if faster and agrees else "float32"


def least_images() -> int:
    """Return how many images must be compared for a verdict of float32+bfloat16, if all of them get the same class."""
    return math.ceil(NORMAL_95**2 * LEAST_AGREEMENT / (1 - LEAST_AGREEMENT))


def few_images_text(images: int) -> str:
    """Return what a person must know before so few images are compared; empty if there are enough."""
    if images >= least_images():
        return ""
    return (
        f"{images} images are too few for the verdict {MIXED}: it needs at least {least_images()}, labelled or not, all "
        "with the same predicted class."
    )


def verdict_words(tuned: TunedPrecision) -> str:
    """Return a stored verdict for a narrow place: "float32; bfloat16 in D and C is 9.10 times slower"."""
    text = f"{tuned.precision}; bfloat16 in D and C is {_speed(tuned)}"
    return f"{text}, same class in {tuned.same:,} of {tuned.images:,} images" if tuned.images else text


def speed_text(tuned: TunedPrecision) -> str:
    """Return how fast float32+bfloat16 is, as a clause: "1.42 times as fast (0.21 s per image, float32 0.30 s)"."""
    return f"{_speed(tuned)} ({tuned.mixed_seconds:.3g} s per image, float32 {tuned.float32_seconds:.3g} s)"


def _speed(tuned: TunedPrecision) -> str:
    ratio = tuned.mixed_seconds / tuned.float32_seconds
    if tuned.faster:
        return f"{1 / ratio:.2f} times as fast"
    return f"{ratio:.2f} times slower" if ratio > 1 + MARGIN else "not reliably faster"


def verdict_line(tuned: TunedPrecision) -> str:
    """Return a stored verdict in one line for a list, without a full stop."""
    same = f"; same predicted class: {share_text(tuned.same, tuned.images)} images" if tuned.images else ""
    return f"{tuned.name}: {tuned.precision}. {MIXED} is {speed_text(tuned)}{same}. Measured {tuned.date}"


def tuning_text(tuned: TunedPrecision) -> str:
    """Return the result of a measurement as sentences."""
    text = f"{MIXED} is {speed_text(tuned)} on {tuned.processor}."
    if tuned.images:
        text += f" Same predicted class: {share_text(tuned.same, tuned.images)} images."
    text += f" auto now uses {tuned.precision} for this model on this machine's CPU."
    if tuned.faster and tuned.precision != MIXED:
        text += f" For {MIXED}, the lower end of the 95 % interval must reach {100 * LEAST_AGREEMENT:g} %."
        if few := few_images_text(tuned.images):
            text += f" {few}"
    return text


def _ratio(seconds: tuple[float, float]) -> float:
    return seconds[1] / max(seconds[0], 1e-9)
