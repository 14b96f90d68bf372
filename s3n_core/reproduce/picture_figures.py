"""Figures 1, 2, 4 and 7 of the paper: pictures of what a network sees, drawn from finished trainings.

Nothing is trained for them, and no image is chosen by its looks: images are drawn at random by their names, from different
classes, in Figure 7 among those that the two networks predict in a certain way. All are of the first seed that is finished.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from s3n_core.datasets.loading import Sample, SampleReader
from s3n_core.datasets.records import ImageRecord, displayed_class
from s3n_core.errors import ModelFileError, RunError, UnreadableImage
from s3n_core.export.figures.canvas import Area, Canvas
from s3n_core.export.figures.marks import draw_peaks
from s3n_core.export.figures.panels import PanelName
from s3n_core.export.figures.placement import Placement
from s3n_core.export.figures.rasters import Rasters, resized
from s3n_core.export.run_snapshots import ProbeSnapshot, RunSnapshots
from s3n_core.inspection.contribution_rows import splat_of
from s3n_core.inspection.geometry import ViewFrame, largest_magnification
from s3n_core.inspection.inspection import Inspection
from s3n_core.inspection.inspector import Inspector
from s3n_core.inspection.map_display import RESPONSE_RANGE, ValueRange, coloured, overlaid
from s3n_core.inspection.number_text import magnification_text, probability_text
from s3n_core.inspection.palettes import PALETTES, STANDARD_OPACITY
from s3n_core.inspection.placed_contributions import Contributions
from s3n_core.inspection.stages import Resampled
from s3n_core.method.ablations import CROP_SIDE, crop_grid
from s3n_core.method.weight_licences import WeightLicence, column_of
from s3n_core.models.opening import Model
from s3n_core.reproduce.answers import measured_records
from s3n_core.reproduce.campaign import cell_folder, is_finished, open_trained, predictions_of, run_folder
from s3n_core.reproduce.experiments import ALONE, FULL, Experiment
from s3n_core.reproduce.markdown import markdown_table
from s3n_core.reproduce.picture_pages import (
    Picture,
    PictureRow,
    page_png,
    panel_picture,
    plain_picture,
    titled_picture,
)
from s3n_core.reproduce.planning import Cell, Material, Plan
from s3n_core.system.csv_tables import csv_text
from s3n_core.training.snapshots import choose_probes

IMAGES = 4
"""Images of a data set in Figures 1 and 2."""

EPOCHS = 4
"""Epochs in Figure 4."""

BETTER, FAILED = 3, 2
"""Images of a data set in Figure 7: those that only the method predicts correctly, and those that it does not."""

_WITHOUT = "No finished training to draw it from."


@dataclass(frozen=True, slots=True)
class PictureFigure:
    """A figure of examples.

    Attributes:
        rows: Its rows of pictures.
        table: What is shown, as a table: lines of equal length, the heads first.
        remarks: What the reader must know.
    """

    rows: list[PictureRow]
    table: list[list[str]]
    remarks: list[str]

    def markdown(self, experiment: Experiment, told: Sequence[WeightLicence] = ()) -> str:
        """Return the figure's text as Markdown, with the licences that must be told of (`results.restrictions_of`)."""
        lines = [f"# {experiment.title}", ""]
        if self.rows:
            lines += [f"![{experiment.title}]({experiment.key}.png)", "", *markdown_table(self.table), ""]
        remarks = [*self.remarks, *(licence.notice for licence in told)]
        return "\n".join([*lines, *(f"- {remark}" for remark in remarks)]) + "\n"

    def csv(self, told: Sequence[WeightLicence] = ()) -> str:
        """Return the table as CSV; the last column is the licence of weights that must be told of."""
        licence = column_of(told)
        rows = ([*row, *licence.values()] for row in self.table[1:])
        return csv_text([*self.table[0], *licence], rows) if self.table else ""

    def png(self, experiment: Experiment) -> bytes:
        """Return the pictures; there must be some."""
        return page_png(experiment.title, self.rows)


def picture_figure(plan: Plan, experiment: Experiment, out: Path, *, device: str = "auto") -> PictureFigure:
    """Draw a figure of examples for all data sets; where a training is missing, a remark says so.

    Args:
        plan: The campaign.
        experiment: One whose figure is "sampling", "crops", "epochs" or "evidence".
        out: The campaign's folder.
        device: The device to run the networks on.

    Raises:
        OutputError: A cell's results are damaged.
        DeviceError: The device cannot be used.
    """
    draw = {"sampling": _sampling, "crops": _crops, "epochs": _epochs, "evidence": _evidence}[experiment.figure]
    whole = PictureFigure([], [], [])
    for material in plan.materials:
        cells = _finished(plan, experiment, material, out)
        if cells is None:
            whole.remarks.append(f"{material.name}: {_WITHOUT}")
            continue
        try:
            drawn = draw(material, cells, out, device)
        except (RunError, ModelFileError, UnreadableImage) as error:
            whole.remarks.append(f"{material.name}: {error}")
            continue
        whole.rows.extend(drawn.rows)
        whole.table.extend(drawn.table[1:] if whole.table else drawn.table)
        whole.remarks.extend(remark for remark in drawn.remarks if remark not in whole.remarks)
    return whole


def drawn_at_random(records: Sequence[ImageRecord], count: int) -> list[ImageRecord]:
    """Return some images, drawn by their names, from as many different classes as possible."""
    named = {record.name: record for record in records}
    return [
        named[sample.name]
        for sample in choose_probes([Sample.of(record, record.label) for record in records], count, seed=0)
    ]


def _finished(plan: Plan, experiment: Experiment, material: Material, out: Path) -> dict[str, Cell] | None:
    """Return the first fold's cell of each arm, of the first seed in which all are finished."""
    by_arm = {arm.title: plan.cells_of[(experiment.key, arm.title, material.name)] for arm in experiment.arms}
    for seed in range(plan.seeds):
        cells = {title: by_seed[seed][0] for title, by_seed in by_arm.items()}
        if all(is_finished(out, cell) for cell in cells.values()):
            return cells
    return None


def _opened(cell: Cell, out: Path, device: str) -> Inspector:
    return Inspector(open_trained(out, cell, device))


def _image(model: Model, record: ImageRecord) -> Image.Image:
    return SampleReader(model.preprocess.ranges, watched=False)(Sample.of(record))


def _rasters(inspection: Inspection) -> Rasters:
    return Rasters(inspection, PALETTES[0], STANDARD_OPACITY)


def _class(cell: Cell, record: ImageRecord) -> str:
    return "" if record.label is None else displayed_class(cell.data.classes[record.label])


def _said(inspection: Inspection) -> str:
    found = inspection.prediction
    return f"{displayed_class(found.name)} ({probability_text(found.probability)})"


def _how_many(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def _drawn(material: Material, cell: Cell) -> str:
    return f"{material.name}: seed {cell.recipe.seed}; images drawn by their names, one per class as far as there are classes."


def _sampling(material: Material, cells: dict[str, Cell], out: Path, device: str) -> PictureFigure:
    """Draw Figure 1."""
    cell = cells[FULL]
    inspector = _opened(cell, out, device)
    rows, table = [], [["data", "image", "class", "predicted", "peaks", "in D", "in C", "D enlarges", "C enlarges"]]
    for record in drawn_at_random(measured_records(cell.data), IMAGES):
        inspection = inspector.inspect(inspector.prepare(_image(inspector.model, record), record.name))
        rasters, warps = _rasters(inspection), inspection.warps
        panels: list[PanelName] = ["peaks", "response", "grid_d", "image_d", "grid_c", "image_c"]
        rows.append(
            PictureRow(
                [panel_picture(rasters, panel) for panel in panels],
                heading=_class(cell, record),
                about=f"{material.name}, predicted: {_said(inspection)}",
            )
        )
        table.append([
            material.name, record.name, _class(cell, record), _said(inspection), str(len(warps.peaks)),
            str(sum(peak.weight_d > 0 for peak in warps.peaks)), str(sum(peak.weight_c > 0 for peak in warps.peaks)),
            *(f"up to {magnification_text(largest_magnification(grid))}×" for grid in (warps.grid_d, warps.grid_c)),
        ])  # fmt: skip
    remarks = [
        _drawn(material, cell),
        "White lines: every cell of the sampling grid. Peaks are assigned as the recipe does when it predicts, not by a draw.",
    ]
    return PictureFigure(rows, table, remarks)


def _crops(material: Material, cells: dict[str, Cell], out: Path, device: str) -> PictureFigure:
    """Draw Figure 2: the same peaks of the same network, cropped and sampled."""
    cell = cells[FULL]
    inspector = _opened(cell, out, device)
    about = f"{material.name}; above: a hard crop at the strongest peak of D, and of C; below: sparse sampling"
    rows = list[PictureRow]()
    table = [["data", "image", "class", "peaks", "peaks that a crop shows", "crop enlarges", "sampling enlarges"]]
    for record in drawn_at_random(measured_records(cell.data), IMAGES):
        prepared = inspector.prepare(_image(inspector.model, record), record.name)
        resampled = inspector.resample(prepared)
        (sampled,), (cropped,) = inspector.describe(resampled), inspector.describe(_cropped(inspector, resampled))
        peaks = sampled.warps.peaks
        shown = sum(_shows(cropped, peak.x, peak.y) for peak in peaks)
        firsts: list[tuple[PanelName, Inspection]] = [("peaks", cropped), ("response", sampled)]
        for first, inspection in firsts:
            rasters = _rasters(inspection)
            panels: list[PanelName] = [first, "grid_d", "image_d", "grid_c", "image_c"]
            heads = (_class(cell, record), about) if inspection is cropped else ("", "")
            rows.append(PictureRow([panel_picture(rasters, panel) for panel in panels], *heads))
        table.append([
            material.name, record.name, _class(cell, record), str(len(peaks)), f"{shown} of {len(peaks)}",
            *(f"up to {magnification_text(max(map(largest_magnification, (of.warps.grid_d, of.warps.grid_c))))}×"
              for of in (cropped, sampled)),
        ])  # fmt: skip
    remarks = [
        _drawn(material, cell),
        f"A crop is {100 * CROP_SIDE:.0f} % of the side of what the network sees, around the strongest peak of its set, as in "
        "the control with hard crops; without a peak in the set it is the whole view. The paper compares with crops of other "
        "methods, of which there are a fixed number per image.",
        "Both rows have the same network and peaks; only the grids differ. Whether crops predict worse is measured by "
        "`controls`.",
    ]
    return PictureFigure(rows, table, remarks)


def _cropped(inspector: Inspector, resampled: Resampled) -> Resampled:
    """Return the same pass with hard crops instead of sampled images."""
    samples, response = resampled.samples, resampled.response.response
    grids = [crop_grid(weights, response) for weights in (samples.weight_d, samples.weight_c)]
    source = resampled.found.prepared.look.images
    images_d, images_c = inspector.model.network.resample(source, *grids)
    samples = replace(samples, grid_d=grids[0], grid_c=grids[1])
    return Resampled(resampled.found, resampled.settings, resampled.counted, samples, images_d, images_c)


def _shows(inspection: Inspection, x: float, y: float) -> bool:
    """Return whether D or C shows a place of the original."""
    for branch in ("D", "C"):
        grid = inspection.grid_in_original(branch)
        (left, top), (right, bottom) = grid.min(axis=(0, 1)), grid.max(axis=(0, 1))
        if left <= x <= right and top <= y <= bottom:
            return True
    return False


def _epochs(material: Material, cells: dict[str, Cell], out: Path, device: str) -> PictureFigure:
    """Draw Figure 4 from the snapshots that were saved during the training."""
    cell = cells[FULL]
    runs: dict[str, RunSnapshots] = {}
    for title, of_arm in cells.items():
        try:
            runs[title] = RunSnapshots(run_folder(out, of_arm))
        except RunError as error:
            folder = cell_folder(out, of_arm)
            raise RunError(
                f"{title} has saved no snapshots, because it was trained before this figure was asked for. To have it trained "
                f"again, delete {folder}."
            ) from error
    common = sorted(set.intersection(*(set(run.epochs) for run in runs.values())))
    if not common:
        raise RunError("Its two trainings have no epoch in common.")
    epochs = sorted({common[place] for place in np.linspace(0, len(common) - 1, EPOCHS).round().astype(int).tolist()})
    ours, alone = ({epoch: runs[title].probes(epoch) for epoch in epochs} for title in (FULL, ALONE))
    rows, table = (
        list[PictureRow](),
        [["data", "image", "class", "epoch", f"predicted by {ALONE}", f"by {FULL}", "peaks"]],
    )
    for number, last in enumerate(ours[epochs[-1]]):
        beside = [alone[epoch][number] for epoch in epochs]
        own = [ours[epoch][number] for epoch in epochs]
        truth = displayed_class(last.truth or "")
        titles = [f"Epoch {epoch + 1} of {runs[FULL].planned}" for epoch in epochs]
        rows += [
            PictureRow(
                [_evidence_then(title, probe) for title, probe in zip(titles, beside, strict=True)],
                heading=truth,
                about=f"{material.name}; from top to bottom: {ALONE}, {FULL}, its images D and C",
            ),
            PictureRow([_evidence_then("Response map and peaks", probe) for probe in own]),
            PictureRow([plain_picture("Discriminative image", probe.image_d, branch="D") for probe in own]),
            PictureRow([plain_picture("Complementary image", probe.image_c, branch="C") for probe in own]),
        ]
        for epoch, of_alone, of_ours in zip(epochs, beside, own, strict=True):
            said = (f"{displayed_class(of.answer)} ({probability_text(of.probability)})" for of in (of_alone, of_ours))
            table.append([material.name, last.name, truth, str(epoch + 1), *said, str(len(of_ours.peaks))])
    remarks = [
        f"{material.name}: seed {cell.recipe.seed}; images drawn by their names. They are training images: their evidence was "
        "saved after every epoch, and no image is kept for validation.",
        f"The {ALONE} has a response map and peaks, but does not use them.",
    ]
    return PictureFigure(rows, table, remarks)


def _evidence_then(title: str, probe: ProbeSnapshot) -> Picture:
    """Return the response map of a snapshot over what the network saw, with its peaks."""

    def pixels(size: tuple[int, int]) -> NDArray[np.uint8]:
        view = np.asarray(probe.view)
        side = len(view)
        whole = Placement((side, side), ViewFrame(box=(0.0, 0.0, float(side), float(side)), size=side))
        share = whole.on_picture(RESPONSE_RANGE.share(probe.response), size)
        return overlaid(resized(view, size), coloured(share, PALETTES[0]), STANDARD_OPACITY)

    def marks(canvas: Canvas, area: Area) -> None:
        draw_peaks(canvas, area, probe.peaks[:, :2], *probe.peaks[:, 2:].T)

    mark = "" if probe.truth is None else "✓ " if probe.truth == probe.answer else "✗ "
    key = f"{mark}{displayed_class(probe.answer)} {probability_text(probe.probability)}"
    return titled_picture(title, pixels, 1.0, key=key, marks=marks)


def _evidence(material: Material, cells: dict[str, Cell], out: Path, device: str) -> PictureFigure:
    """Draw Figure 7."""
    cell, other = cells[FULL], cells[ALONE]
    right = {
        title: {row.file: bool(row.correct) for row in predictions_of(out, of_arm) if not row.error}
        for title, of_arm in cells.items()
    }
    records = [
        record for record in measured_records(cell.data) if record.name in right[FULL].keys() & right[ALONE].keys()
    ]
    better = [record for record in records if right[FULL][record.name] and not right[ALONE][record.name]]
    failed = [record for record in records if not right[FULL][record.name]]
    ours, alone = _opened(cell, out, device), _opened(other, out, device)
    rows = list[PictureRow]()
    table = [["data", "image", "class", "kind", f"predicted by {ALONE}", f"by {FULL}", "logit read by O", "D", "C"]]
    for kind, chosen in (
        ("only the method is correct", drawn_at_random(better, BETTER)),
        ("the method is wrong", drawn_at_random(failed, FAILED)),
    ):
        for record in chosen:
            image = _image(ours.model, record)
            inspection, read = _answered(ours, image, record.name)
            plain, read_alone = _answered(alone, image, record.name)
            rasters = _rasters(inspection)
            rows.append(
                PictureRow(
                    [
                        panel_picture(rasters, "peaks"),
                        _read_picture("Evidence, backbone", rasters, read_alone, "O"),
                        panel_picture(rasters, "image_d"),
                        panel_picture(rasters, "image_c"),
                        _read_picture("Evidence of D", rasters, read, "D"),
                        _read_picture("Evidence of C", rasters, read, "C"),
                    ],
                    heading=_class(cell, record),
                    about=f"{kind}; backbone alone: {_said(plain)}; {FULL}: {_said(inspection)}",
                )
            )
            shares = [f"{read.by_branch[branch]:+.1f}" for branch in ("O", "D", "C")]
            table.append(
                [material.name, record.name, _class(cell, record), kind, _said(plain), _said(inspection), *shares]
            )
    remarks = [
        f"{material.name}, seed {cell.recipe.seed}, {len(records):,} images: {_how_many(len(better), 'image')} that only "
        f"{FULL} predicts correctly, {sum(right[ALONE].values()) - sum(right[FULL].values()) + len(better)} that only the "
        f"{ALONE} does, {_how_many(len(failed), 'image')} that {FULL} gets wrong. Shown are some of each, drawn by their "
        "names.",
        "Evidence: contributions above 0 to the logit of the predicted class, where they are read; what the prediction relies "
        "on is measured by removal (`s3n faithfulness`). Each picture has its own scale. The paper does not say how its maps "
        "were made.",
    ]
    return PictureFigure(rows, table, remarks)


def _answered(inspector: Inspector, image: Image.Image, name: str) -> tuple[Inspection, Contributions]:
    """Return an image's inspection, and the contributions to the logit of its predicted class."""
    resampled = inspector.resample(inspector.prepare(image, name))
    output = inspector.classify(resampled)
    (inspection,) = inspector.describe(resampled, output)
    (read,) = inspector.contributions(resampled, output, inspection.prediction.index)
    return inspection, read


def _read_picture(title: str, rasters: Rasters, read: Contributions, branch: str) -> Picture:
    """Return where a branch reads what speaks for the predicted class."""

    def pixels(size: tuple[int, int]) -> NDArray[np.uint8]:
        values, places, corners = ({branch: of[branch]} for of in (read.values, read.places, read.corners))
        density = np.maximum(splat_of(values, places, corners, read.image_size, size).picture(), 0)
        share = ValueRange(0.0, float(density.max())).share(density)
        return overlaid(rasters.draw("original", size), coloured(share, PALETTES[0]), STANDARD_OPACITY)

    width, height = read.image_size
    key = f"{read.by_branch[branch]:+.1f} of {read.total:.1f} logits"
    return titled_picture(title, pixels, width / height, branch=branch, key=key)
