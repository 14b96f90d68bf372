"""The tables of a campaign as Markdown, CSV, LaTeX and a plot: the paper's numbers beside ours, and what differs."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from s3n_core.method.weight_licences import WeightLicence, column_of
from s3n_core.reproduce.experiments import MEASURE_TITLES, Experiment, Measure
from s3n_core.reproduce.markdown import markdown_table
from s3n_core.reproduce.peak_figures import counts_of, figure_csv, figure_markdown, figure_plot
from s3n_core.reproduce.picture_figures import picture_figure
from s3n_core.reproduce.planning import Plan
from s3n_core.reproduce.remarks import remarks
from s3n_core.reproduce.results import (
    ArmResult,
    decides,
    restrictions_of,
    results_of,
    why_no_verdict,
)
from s3n_core.reproduce.statistics import Interval, nats_text, points_text
from s3n_core.system.atomic_files import make_folder, write_bytes
from s3n_core.system.csv_tables import csv_text
from s3n_core.version import __version__


@dataclass(frozen=True, slots=True)
class Table:
    """A written table.

    Attributes:
        experiment: The experiment.
        results: Its results so far; empty for a figure.
        files: The files, the Markdown first.
    """

    experiment: Experiment
    results: list[ArmResult]
    files: tuple[Path, ...]


def write_tables(plan: Plan, out: Path, *, pictures: bool = True, device: str = "auto") -> list[Table]:
    """Write every experiment's table with what is finished so far.

    Args:
        plan: The campaign.
        out: Its folder.
        pictures: Whether to draw the figures of examples, for which networks run; False leaves them as they are.
        device: The device on which they run.

    Raises:
        OutputError: A file cannot be written, or a finished cell is damaged.
    """
    make_folder(out)
    tables = []
    for experiment in plan.experiments:
        told = restrictions_of(plan, experiment, out)
        if experiment.figure in ("hits", "parts"):
            counted = counts_of(plan, experiment, out)
            plotted = {".png": figure_plot(experiment, counted)} if counted else {}
            figure = {
                ".md": figure_markdown(experiment, counted, told).encode(),
                ".csv": figure_csv(experiment, counted, told).encode(),
                **plotted,
            }
            tables.append(Table(experiment, [], _written(experiment, out, figure)))
            continue
        if experiment.figure:
            if pictures:
                tables.append(
                    Table(experiment, [], _written(experiment, out, _pictures(plan, experiment, out, device, told)))
                )
            continue
        results = results_of(plan, experiment, out)
        contents = {
            ".md": markdown(plan, experiment, results, told).encode(),
            ".csv": table_csv(experiment, results, told).encode(),
            ".tex": latex(plan, experiment, results, told).encode(),
        }
        if any(result.values for result in results):
            contents[".png"] = plot(experiment, results)
        tables.append(Table(experiment, results, _written(experiment, out, contents)))
    return tables


def _written(experiment: Experiment, out: Path, contents: Mapping[str, bytes]) -> tuple[Path, ...]:
    """Write an experiment's files, given by their suffixes."""
    files = {out / f"{experiment.key}{suffix}": content for suffix, content in contents.items()}
    for file, content in files.items():
        write_bytes(file, content)
    return tuple(files)


def _pictures(
    plan: Plan, experiment: Experiment, out: Path, device: str, told: Sequence[WeightLicence]
) -> dict[str, bytes]:
    """Return the files of a figure of examples."""
    drawn = picture_figure(plan, experiment, out, device=device)
    shown = {".png": drawn.png(experiment), ".csv": drawn.csv(told).encode()} if drawn.rows else {}
    return {".md": drawn.markdown(experiment, told).encode(), **shown}


def markdown(plan: Plan, experiment: Experiment, results: list[ArmResult], told: Sequence[WeightLicence] = ()) -> str:
    """Return an experiment's table as Markdown, with what a reader must know about it, ``told`` of `restrictions_of` included."""
    measures = _measures_of(experiment, results)
    compared = any(result.full_over is not None for result in results)
    head = ["data set", "network", *(MEASURE_TITLES[measure] for measure in measures), "images × seeds"]
    head += [f"{experiment.compared} over it", "log loss"] if compared else []
    head += ["adjusted lower bound"] if experiment.family else []
    rows = []
    for result in results:
        cells = [result.data, result.arm.title]
        cells += [_cell(result, measure) for measure in measures]
        cells.append(f"{result.images:,} × {result.seeds}" if result.seeds else "–")
        rows.append(cells + _comparison_cells(experiment, result, compared=compared))
    lines = [f"# {experiment.title}", "", *markdown_table([head, *rows]), ""]
    lines += [
        f"Percent. In brackets: {_brackets(results)}; "
        f"differences are paired, and above zero {experiment.compared} is better, in log loss, too. *Paper*: the number in "
        "the paper.",
        "",
    ]
    if experiment.family and (reason := why_no_verdict(results)):
        lines += [f"No verdict: {reason}.", ""]
    elif experiment.family:
        verdict = "is" if decides(experiment, results) else "is **not**"
        lines += [
            f"{experiment.compared} {verdict} better than every control: the criterion is a lower bound above 0 against each, "
            "adjusted by Holm's procedure.",
            "",
        ]
    lines += [f"- {text}" for text in remarks(plan, experiment, results, told)]
    return "\n".join(lines) + "\n"


def table_csv(experiment: Experiment, results: list[ArmResult], told: Sequence[WeightLicence] = ()) -> str:
    """Return an experiment's numbers as CSV, one line per arm and measure; fractions, not percent, and log loss in nats.

    ``predictions`` is of how many an arm's value is the mean: images x seeds, less where images have no box or no peak.
    ``interval`` is "images and seeds", "images" of one seed, or "seeds" where ``low`` and ``high`` are the range over seeds. The
    last column is the licence of weights that must be told of (``told`` of `restrictions_of`), the same in every line.
    """
    licence = column_of(told)
    head = ["data", "network", "measure", "mean", "low", "high", "interval", "paper", "images", "seeds", "predictions", "missing",
            "full_over", "full_over_low", "full_over_high", "full_over_seeds",
            "loss_over", "loss_over_low", "loss_over_high", "adjusted_lower", *licence]  # fmt: skip
    rows = []
    for result in results:
        for measure in experiment.measures:
            if measure not in result.values and measure not in result.paper:
                continue
            value, joint = result.values.get(measure), measure == "joint"
            over, loss = (result.full_over, result.loss_over) if joint else (None, None)
            paper = result.paper.get(measure)
            predictions = result.predictions.get(measure, result.images * result.seeds) if value else 0
            rows.append([
                result.data, result.arm.title, measure, *_numbers(value),
                "" if value is None else "seeds" if measure in result.ranges else _drawn(result.seeds),
                "" if paper is None else f"{paper / 100:g}",
                result.images, result.seeds, predictions, len(result.missing), *_numbers(over),
                "" if over is None else result.over_seeds, *_numbers(loss),
                "" if result.lower is None or not joint else f"{result.lower:.6g}", *licence.values(),
            ])  # fmt: skip
    return csv_text(head, rows)


def latex(plan: Plan, experiment: Experiment, results: list[ArmResult], told: Sequence[WeightLicence] = ()) -> str:
    """Return an experiment's table for LaTeX with the package booktabs; `markdown`'s remarks follow the table as its notes."""
    measures = _measures_of(experiment, results)
    compared = any(result.full_over is not None for result in results)
    head = ["Data set", "Network", *(MEASURE_TITLES[m] for m in measures), r"$n \times$ seeds"]
    head += [rf"{_escaped(experiment.compared)} over it", "Log loss"] if compared else []
    head += ["Adjusted lower bound"] if experiment.family else []
    lines = [
        f"% {experiment.title}; S3N Studio {__version__}",
        r"\begin{tabular}{ll" + "r" * (len(head) - 2) + "}",
        r"\toprule",
        " & ".join(head) + r" \\",
        r"\midrule",
    ]
    for result in results:
        cells = [_escaped(result.data), _escaped(result.arm.title)]
        cells += [_latex_cell(result, measure) for measure in measures]
        cells.append(rf"{result.images} $\times$ {result.seeds}" if result.seeds else "--")
        cells += _comparison_cells(experiment, result, compared=compared)
        lines.append(" & ".join(cells) + r" \\")
    notes = [f"Percent. In brackets: {_brackets(results)}.", *remarks(plan, experiment, results, told)]
    lines += [r"\bottomrule", r"\end{tabular}", "", r"\par\footnotesize"]
    return "\n".join([*lines, *(_escaped(note) + r"\par" for note in notes)]) + "\n"


def _comparison_cells(experiment: Experiment, result: ArmResult, *, compared: bool) -> list[str]:
    """Return the last cells of a row: what the compared arm has over this one, in top-1 and log loss, and its adjusted bound."""
    cells = [points_text(result.full_over) + _of_seeds(result), nats_text(result.loss_over)] if compared else []
    if experiment.family:
        cells.append("" if result.lower is None else f"{100 * result.lower:+.1f}")
    return cells


def _measures_of(experiment: Experiment, results: list[ArmResult]) -> list[Measure]:
    """Return the measures of which something is known: a value, or the paper's number."""
    return [
        measure
        for measure in experiment.measures
        if any(measure in result.values or measure in result.paper for result in results)
    ]


def _latex_cell(result: ArmResult, measure: Measure) -> str:
    value, paper = result.values.get(measure), result.paper.get(measure)
    mark = "*" if measure in result.ranges else ""
    ours = (
        "--"
        if value is None
        else rf"{100 * value.mean:.1f} \scriptsize({100 * value.low:.1f}--{100 * value.high:.1f}){mark}"
    )
    return ours if paper is None else rf"{ours}; paper {paper:g}"


def plot(experiment: Experiment, results: list[ArmResult]) -> bytes:
    """Return a plot of an experiment as PNG: one row per arm, a mark with its interval per measure, the paper's as a tick."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from s3n_core.export.figures import tokens
    from s3n_core.export.figures.lettering import font

    measures = [measure for measure in experiment.measures if any(measure in result.values for result in results)]
    several = len({result.data for result in results}) > 1
    names = [f"{result.data}: {result.arm.title}" if several else result.arm.title for result in results]
    figure = Figure(figsize=(8.0, 1.3 + 0.44 * len(results)), dpi=150, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    colours = {"joint": tokens.BRANCH_COLOURS["joint"], "O": tokens.BRANCH_COLOURS["O"], "D": tokens.BRANCH_COLOURS["D"],
               "C": tokens.BRANCH_COLOURS["C"], "mean": "#7a4fb5", "localized": "#444444", "hit_rate": "#444444"}  # fmt: skip
    step = 0.7 / max(len(measures), 1)
    for place, measure in enumerate(measures):
        shift = (place - (len(measures) - 1) / 2) * step
        shown = [(row + shift, value) for row, result in enumerate(results) if (value := result.values.get(measure))]
        axes.errorbar(
            [100 * value.mean for _, value in shown],
            [row for row, _ in shown],
            xerr=[
                # Where all seeds agree, the mean may be off by a rounding error, and Matplotlib refuses lengths below 0.
                [100 * max(value.mean - value.low, 0.0) for _, value in shown],
                [100 * max(value.high - value.mean, 0.0) for _, value in shown],
            ],
            fmt="o",
            markersize=5,
            elinewidth=1.6,
            capsize=0,
            color=colours[measure],
            label=MEASURE_TITLES[measure],
        )
        paper = [(row + shift, result.paper[measure]) for row, result in enumerate(results) if measure in result.paper]
        axes.plot(
            [number for _, number in paper],
            [row for row, _ in paper],
            "|",
            markersize=11,
            markeredgewidth=2,
            color=colours[measure],
        )
    axes.set_yticks(range(len(results)), names, fontproperties=font(9))
    axes.invert_yaxis()
    tick = "; tick: the paper" if any(result.paper for result in results) else ""
    axes.set_xlabel(f"percent; line: {_brackets(results).replace(' with *', '')}{tick}", fontproperties=font(9))
    for label in axes.get_xticklabels():
        label.set_fontproperties(font(9))
    axes.set_title(experiment.title, loc="left", fontproperties=font(11, bold=True))
    axes.grid(axis="x", color="#e4e7ec", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(left=False)
    if len(measures) > 1:
        axes.legend(
            frameon=False,
            prop=font(9),
            ncols=len(measures),
            loc="upper left",
            bbox_to_anchor=(0, -0.02 - 0.55 / (1.3 + 0.44 * len(results))),
        )
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": f"S3N Studio {__version__}"})
    return buffer.getvalue()


def _brackets(results: list[ArmResult]) -> str:
    """Say what an interval is, as a clause."""
    ranges = sorted({measure for result in results for measure in result.ranges})
    seeds = {result.seeds for result in results if result.values} or {0}
    seeds |= {result.over_seeds for result in results if result.full_over is not None}
    over = f"the 95 % interval over {_drawn(max(seeds))}"
    if min(seeds) < max(seeds) and 1 in seeds:
        over += f" (of one seed over {_drawn(1)})"
    if not ranges:
        return over
    names = " and ".join(MEASURE_TITLES[measure] for measure in ranges)
    return f"{over}, of {names} with * the range over seeds (an earlier version measured it)"


def _drawn(seeds: int) -> str:
    """Return what an interval of so many seeds is over."""
    return "images" if seeds == 1 else "images and seeds"


def _cell(result: ArmResult, measure: Measure) -> str:
    value, paper = result.values.get(measure), result.paper.get(measure)
    mark = "*" if measure in result.ranges else ""
    ours = "–" if value is None else f"{100 * value.mean:.1f} ({100 * value.low:.1f} to {100 * value.high:.1f}){mark}"
    return ours if paper is None else f"{ours}; paper {paper:g}"


def _of_seeds(result: ArmResult) -> str:
    """Return how many seeds a difference is of, if these are not all that the arm has; "" else."""
    if result.full_over is None or result.over_seeds == result.seeds:
        return ""
    return f", {result.over_seeds} seed{'' if result.over_seeds == 1 else 's'}"


def _numbers(value: Interval | None) -> list[str]:
    return ["", "", ""] if value is None else [f"{number:.6g}" for number in (value.mean, value.low, value.high)]


def _escaped(text: str) -> str:
    text = text.replace("\\", r"\textbackslash ")
    for sign in "&%$#_{}":
        text = text.replace(sign, f"\\{sign}")
    return text
