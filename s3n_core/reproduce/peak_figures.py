"""Figures 5 and 6 of the paper: how many peaks of an image lie on the object, and which parts have the strongest peaks.

They are counted from the finished trainings' peaks in the whole images squashed, as Table 1 has them, and from the data set's
annotations, which nothing learns from.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from s3n_core.datasets.records import ImageRecord
from s3n_core.method.weight_licences import WeightLicence, column_of
from s3n_core.reproduce.answers import measured_records
from s3n_core.reproduce.campaign import is_finished, peaks_of
from s3n_core.reproduce.experiments import FULL, Experiment
from s3n_core.reproduce.planning import Material, Plan
from s3n_core.system.csv_tables import csv_text
from s3n_core.version import __version__

Peaks = Sequence[tuple[float, float, float]]
"""The peaks of an image: (x, y) in original pixels, and R."""

_NO_BOX, _UNREADABLE = "without a box", "that cannot be read"


@dataclass(frozen=True, slots=True)
class Counts:
    """What a figure shows of a data set.

    Attributes:
        data: The data set's name.
        images: Number of images counted, over all seeds.
        seeds: Number of seeds.
        strong: Figure 5: by number of hits, the number of images. Figure 6: by part, how often the strongest peak of an image is
            nearest to it.
        weak: Figure 6: the same for the weakest peak; empty in Figure 5.
        left_out: Number of images left out, over all seeds, by the reason.
    """

    data: str
    images: int
    seeds: int
    strong: Mapping[str, int]
    weak: Mapping[str, int]
    left_out: Mapping[str, int] = field(default_factory=dict)


def counts_of(plan: Plan, experiment: Experiment, out: Path) -> list[Counts]:
    """Return the counts of a figure for each data set that has the annotations and a finished seed."""
    count = _hits if experiment.figure == "hits" else _parts
    found = (count(plan, experiment, material, out) for material in plan.materials)
    return [counts for counts in found if counts.images]


def hit_count(peaks: Peaks | None, record: ImageRecord) -> int | str:
    """Return how many peaks of an image lie in the object's box (Figure 5), or why it does not count.

    Args:
        peaks: (x, y) in original pixels and R of each peak; None if the image could not be read.
        record: The image.
    """
    if record.box is None:
        return _NO_BOX
    if peaks is None:
        return _UNREADABLE
    return sum(record.box.contains(x, y) for x, y, _ in peaks)


def nearest_parts(peaks: Peaks | None, record: ImageRecord) -> tuple[str, str] | str:
    """Return the visible parts nearest to the strongest and to the weakest peak (Figure 6), or why the image does not count.

    Of fewer than two peaks none would be the stronger. Arguments as `hit_count`.
    """
    if record.box is None:  # its peaks were not looked for
        return _NO_BOX
    if not record.parts:
        return "without a visible key point"
    if peaks is None:
        return _UNREADABLE
    if len(peaks) < 2:
        return "with fewer than two peaks"

    def nearest(x: float, y: float) -> str:
        return min(record.parts, key=lambda part: (part.x - x) ** 2 + (part.y - y) ** 2).name

    by_response = sorted(peaks, key=lambda place: place[2])
    return nearest(*by_response[-1][:2]), nearest(*by_response[0][:2])


def figure_markdown(experiment: Experiment, counted: list[Counts], told: Sequence[WeightLicence] = ()) -> str:
    """Return a figure's numbers as Markdown, with the licences that must be told of (`results.restrictions_of`)."""
    lines = [f"# {experiment.title}", ""]
    if not counted:
        return (
            "\n".join([*lines, "No finished training on a data set with the annotations that this figure needs."])
            + "\n"
        )
    for counts in counted:
        lines.append(
            f"{counts.data}: {counts.images:,} predictions of {counts.seeds} seed{'' if counts.seeds == 1 else 's'}; peaks in "
            "the whole image, resized to the input without keeping proportions.\n"
        )
        if experiment.figure == "hits":
            lines += ["| peaks on the object | images |", "|---|---|"]
            lines += [f"| {hits} | {100 * number / counts.images:.1f} % |" for hits, number in counts.strong.items()]
        else:
            lines += ["| part | strongest peak | weakest peak | difference |", "|---|---|---|---|"]
            lines += [
                f"| {part} | {counts.strong[part]:,} | {counts.weak[part]:,} | {counts.strong[part] - counts.weak[part]:+,} |"
                for part in counts.strong
            ]
        lines += ["", *(f"Left out: {number:,} {reason}.\n" for reason, number in sorted(counts.left_out.items()))]
    lines += [f"{licence.notice}\n" for licence in told]
    return "\n".join(lines)


def figure_csv(experiment: Experiment, counted: list[Counts], told: Sequence[WeightLicence] = ()) -> str:
    """Return a figure's numbers as CSV; the last column is the licence of weights that must be told of."""
    licence = column_of(told)
    of_parts = experiment.figure == "parts"
    rows = []
    for counts in counted:
        for key, strong in counts.strong.items():
            found = [strong, counts.weak[key]] if of_parts else [strong]
            rows.append([counts.data, key, *found, counts.images, counts.seeds, *licence.values()])
    heads = ["part", "strongest", "weakest"] if of_parts else ["hits", "images_with"]
    return csv_text(["data", *heads, "images", "seeds", *licence], rows)


def figure_plot(experiment: Experiment, counted: list[Counts]) -> bytes:
    """Return the figure as PNG: bars of the share of images by hits, or of the parts from strong to weak."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from s3n_core.export.figures import tokens
    from s3n_core.export.figures.lettering import font

    hits = experiment.figure == "hits"
    height = 2.6 if hits else 1.2 + 0.26 * max(len(counts.strong) for counts in counted)
    figure = Figure(figsize=(8.0, height * len(counted)), dpi=150, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    for axes, counts in zip(np.atleast_1d(figure.subplots(len(counted))), counted, strict=True):
        keys, places = list(counts.strong), np.arange(len(counts.strong))
        if hits:
            axes.bar(
                places,
                [100 * counts.strong[key] / counts.images for key in keys],
                0.7,
                color=tokens.BRANCH_COLOURS["D"],
            )
            axes.set_xticks(places, keys)
            axes.set_xlabel("peaks on the object", fontproperties=font(9))
            axes.set_ylabel("% of images", fontproperties=font(9))
        else:
            for shift, values, letter, label in (
                (-0.2, counts.strong, "D", "strongest peak"),
                (0.2, counts.weak, "C", "weakest peak"),
            ):
                axes.barh(
                    places + shift,
                    [values[key] for key in keys],
                    0.36,
                    color=tokens.BRANCH_COLOURS[letter],
                    label=label,
                )
            axes.set_yticks(places, keys)
            axes.invert_yaxis()
            axes.set_xlabel("images", fontproperties=font(9))
            axes.legend(frameon=False, prop=font(9), loc="lower right")
        for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
            label.set_fontproperties(font(9))
        axes.set_title(f"{experiment.title}, {counts.data}", loc="left", fontproperties=font(11, bold=True))
        axes.grid(axis="y" if hits else "x", color="#e4e7ec", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.tick_params(length=0)
        for side in ("top", "right", "left" if hits else "bottom"):
            axes.spines[side].set_visible(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": f"S3N Studio {__version__}"})
    return buffer.getvalue()


def _hits(plan: Plan, experiment: Experiment, material: Material, out: Path) -> Counts:
    found: Counter[int] = Counter()
    left_out: Counter[str] = Counter()
    seeds = set()
    for seed, peaks, record in _images(plan, experiment, material, out):
        hits = hit_count(peaks, record)
        if isinstance(hits, str):
            left_out[hits] += 1
            continue
        found[hits] += 1
        seeds.add(seed)
    by_hits = {str(hits): found[hits] for hits in range(max(found, default=-1) + 1)}
    return Counts(material.name, found.total(), len(seeds), by_hits, {}, left_out)


def _parts(plan: Plan, experiment: Experiment, material: Material, out: Path) -> Counts:
    strong: Counter[str] = Counter()
    weak: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    seeds = set()
    for seed, peaks, record in _images(plan, experiment, material, out):
        pair = nearest_parts(peaks, record)
        if isinstance(pair, str):
            left_out[pair] += 1
            continue
        strong[pair[0]] += 1
        weak[pair[1]] += 1
        seeds.add(seed)
    names = sorted(strong.keys() | weak.keys(), key=lambda name: (weak[name] - strong[name], name))
    return Counts(
        material.name,
        strong.total(),
        len(seeds),
        {name: strong[name] for name in names},
        {name: weak[name] for name in names},
        left_out,
    )


def _images(
    plan: Plan, experiment: Experiment, material: Material, out: Path
) -> Iterator[tuple[int, Peaks | None, ImageRecord]]:
    for seed, cells in enumerate(plan.cells_of[(experiment.key, FULL, material.name)]):
        if not all(is_finished(out, cell) for cell in cells):
            continue
        for cell in cells:
            found = peaks_of(out, cell)
            for record in measured_records(cell.data):
                yield seed, found.get(record.name), record
