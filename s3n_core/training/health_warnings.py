"""Warnings derived from the health report, each with a remedy (METHOD.md, last section).

Each epoch is judged once, and its warnings are stored with its metrics, for the window to read. Never imports torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from s3n_core.method.configuration import LEAST_BETA, NetworkChoices, NetworkConfig

LEAST_SURE, MOST_SURE = 0.01, 0.99
MOST_WITHOUT_PEAKS = 0.05
LEAST_PEAKS = 1.5
MOST_EMPTY = 0.30
MOST_CLAMPED = 0.10
LEAST_MAGNIFICATION, MOST_MAGNIFICATION = 1.1, 6.0
MOST_DRIFT = 0.5
_ROUNDING = 1e-5  # of beta, which comes from a radius in float32
LEAST_AGREEMENT, MOST_AGREEMENT = 0.5, 0.995

MORE_PEAKS = (
    "For more peaks, use finer features or a larger input; or use the sampling `all`, which puts every peak into both "
    "maps."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthWarning:
    """A warning about a training.

    Attributes:
        name: Key of the metric.
        value: Value of the metric.
        sentence: What was observed.
        remedy: What to try, most important first.
    """

    name: str
    value: float
    sentence: str
    remedy: str


def health_warnings(
    values: Mapping[str, float], num_classes: int, *, choices: NetworkChoices | None = None
) -> tuple[HealthWarning, ...]:
    """Judge an epoch's metrics.

    Args:
        values: Metrics by name, as in an epoch's line of the metrics file; missing ones are not judged.
        num_classes: Number of classes.
        choices: The network's settings; None: the defaults. They give delta and the number of merged classes, and
            exclude metrics that mean nothing in an ablation (peaks under dense attention, warps of the identity
            control).

    Returns:
        The warnings in the order of the method's stages: rule of Eq. 3, peaks, sets, warps, radii, branches.
    """
    found: list[HealthWarning] = []
    dense = choices is not None and choices.attention != "sparse"
    warps = choices is None or choices.control == "none"
    if choices is None or choices.attention != "saliency":
        found += _rule(values, num_classes, choices or NetworkChoices())
    if not dense:
        found += _peaks(values)
    if warps:
        found += _warps(values)
        if not dense:
            found += _radii(values)
    found += _agreement(values)
    return tuple(found)


def _rule(values: Mapping[str, float], num_classes: int, choices: NetworkChoices) -> Iterator[HealthWarning]:
    """Judge the share of images under each rule of Eq. 3; with a single merged class, both rules are the same."""
    merged, delta = _merged_classes(choices, num_classes), choices.entropy_threshold
    share = values.get("sure_share")
    if share is None or merged < 2:
        return
    if share < LEAST_SURE:
        smoothing = (
            " With fewer than about 60 classes, a small delta cannot work together with label smoothing. Use only one."
            if num_classes < 60
            else ""
        )
        yield HealthWarning(
            name="sure_share",
            value=share,
            sentence=f"The network was certain (H at most delta = {delta:g}) for {_few(share)}, so R is almost always "
            f"the mean over the {merged} most probable classes.",
            remedy=f"This is normal in the first epochs. If it does not change, raise delta.{smoothing}",
        )
    elif share > MOST_SURE:
        uniform = merged * math.log(num_classes) / num_classes
        blind = (
            f" Here even an untrained network counts as certain (its H is {uniform:.2f})." if uniform <= delta else ""
        )
        yield HealthWarning(
            name="sure_share",
            value=share,
            sentence=f"The network was certain (H at most delta = {delta:g}) for {_percent(share)} of the images, so "
            f"R is almost always the map of a single class.{blind}",
            remedy="This is normal late in training, on training images. If it is so from the start, lower delta.",
        )


def _merged_classes(choices: NetworkChoices, num_classes: int) -> int:
    if isinstance(choices, NetworkConfig):
        return choices.merged_classes
    return NetworkConfig(**choices.model_dump(), num_classes=num_classes).merged_classes


def _peaks(values: Mapping[str, float]) -> Iterator[HealthWarning]:
    share = values.get("without_peaks_share", 0.0)
    if share > MOST_WITHOUT_PEAKS:
        yield HealthWarning(
            name="without_peaks_share",
            value=share,
            sentence=f"{_percent(share)} of the images had no peak, because their response map is flat.",
            remedy="This is normal for an untrained network. If it does not change, the maps have collapsed: lower "
            "the learning rate.",
        )
    count = values.get("peaks")
    if count is not None and share <= MOST_WITHOUT_PEAKS and count < LEAST_PEAKS:
        yield HealthWarning(
            name="peaks",
            value=count,
            sentence=f"An image had {count:.1f} peaks on average, too few to share between D and C.",
            remedy=f"{MORE_PEAKS} The floor `none` also keeps weak peaks.",
        )
    for letter, name in (("c", "C"), ("d", "D")):
        empty = values.get(f"empty_{letter}_share", 0.0)
        if empty > MOST_EMPTY and empty - share > MOST_WITHOUT_PEAKS:
            yield HealthWarning(
                name=f"empty_{letter}_share",
                value=empty,
                sentence=f"{_percent(empty)} of the images had no peak for {name}, so nothing was enlarged there.",
                remedy=MORE_PEAKS,
            )


def _warps(values: Mapping[str, float]) -> Iterator[HealthWarning]:
    for letter, name in (("d", "D"), ("c", "C")):
        clamped = values.get(f"clamped_{letter}_share", 0.0)
        if clamped > MOST_CLAMPED:
            yield HealthWarning(
                name=f"clamped_{letter}_share",
                value=clamped,
                sentence=f"{_percent(clamped)} of {name}'s image only repeats the border of the original, because its "
                "warps reach beyond the edge.",
                remedy="Raise `base` or the radius, so that the whole image keeps some space. If the peaks lie on the "
                "border, check whether the background reveals the class.",
            )
        largest = values.get(f"magnification_{letter}")
        if largest is None:
            continue
        if largest > MOST_MAGNIFICATION:
            yield HealthWarning(
                name=f"magnification_{letter}",
                value=largest,
                sentence=f"{name} enlarges its strongest place {largest:.1f} times (in area, mean over images), more "
                "than the image's pixels can show.",
                remedy="Use a larger `source_size`, so that there is more detail to show; or raise `base` or the "
                "radius.",
            )
        # An identity warp is intended (warm-up, control), so it gives no warning; a weak warp does.
        elif 1.001 < largest < LEAST_MAGNIFICATION:
            yield HealthWarning(
                name=f"magnification_{letter}",
                value=largest,
                sentence=f"{name} hardly differs from the original: its strongest place is enlarged only "
                f"{largest:.2f} times.",
                remedy="Lower `base`, or change the radius: a very small one has no effect, and a very large one is "
                "flat.",
            )


def _radii(values: Mapping[str, float]) -> Iterator[HealthWarning]:
    for letter, symbol in (("d", "beta_1"), ("c", "beta_2")):
        beta, drift = values.get(f"beta_{letter}"), values.get(f"radius_{letter}_drift")
        if beta is not None and beta <= LEAST_BETA * (1 + _ROUNDING):
            yield HealthWarning(
                name=f"beta_{letter}",
                value=beta,
                sentence=f"{symbol} has reached its minimum of {LEAST_BETA} cells and no longer changes.",
                remedy="Lower the learning rate of the radius (1e-7 keeps it constant), or start with a larger radius.",
            )
        elif drift is not None and abs(drift) > MOST_DRIFT:
            yield HealthWarning(
                name=f"radius_{letter}_drift",
                value=drift,
                sentence=f"The radius of {symbol} has {'grown' if drift > 0 else 'shrunk'} by {_percent(abs(drift))} "
                "since the start.",
                remedy="This is not a problem in itself. If accuracy falls at the same time, lower the learning rate "
                "of the radius.",
            )


def _agreement(values: Mapping[str, float]) -> Iterator[HealthWarning]:
    for name in ("O", "D", "C"):
        share = values.get(f"agreement_{name}")
        if share is not None and share < LEAST_AGREEMENT:
            yield HealthWarning(
                name=f"agreement_{name}",
                value=share,
                sentence=f"{name} agrees with the joint prediction in only {_percent(share)} of the images.",
                remedy="This is normal in the first epochs. If it does not change, use the same sampling in training "
                "and testing, frozen or recalibrated BatchNorm statistics, or a lower learning rate for the backbone.",
            )
    together = values.get("agreement")
    if together is not None and together > MOST_AGREEMENT:
        yield HealthWarning(
            name="agreement",
            value=together,
            sentence=f"All branches agree with the joint prediction in {_percent(together)} of the images: D and C "
            "add nothing.",
            remedy="This is normal late in training, on training images. On validation images, try a larger source, "
            "more peaks, or random sampling in training, so that the branches see different things.",
        )


def _few(share: float) -> str:
    return f"only {_percent(share)} of the images" if share else "none of the images"


def _percent(share: float) -> str:
    text = f"{100 * share:.1f}".removesuffix(".0")
    return f"{text} %"
