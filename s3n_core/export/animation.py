"""Animated GIF of a training run: peaks, Q_d, and the images of D and C for its probe images, epoch by epoch."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from s3n_core.datasets.own_folders import check_output_file
from s3n_core.datasets.records import displayed_class
from s3n_core.errors import RunError
from s3n_core.evaluation.intervals import accuracy_share_text
from s3n_core.export.figures import tokens
from s3n_core.export.figures.canvas import Area, Canvas
from s3n_core.export.figures.marks import draw_peaks
from s3n_core.export.figures.panel_drawing import draw_colour_bar, draw_title
from s3n_core.export.figures.panels import PanelName
from s3n_core.export.figures.pixel_page import drawn_pixels
from s3n_core.export.figures.placement import Placement
from s3n_core.export.gif_file import common_palette, gif_bytes
from s3n_core.export.run_snapshots import ProbeSnapshot, RunSnapshots
from s3n_core.inspection.geometry import ViewFrame
from s3n_core.inspection.map_display import coloured, overlaid, sampling_map_range
from s3n_core.inspection.number_text import probability_text
from s3n_core.inspection.palettes import PALETTES, STANDARD_OPACITY, PaletteName, palette_named
from s3n_core.method.weight_licences import notice_of
from s3n_core.models.model_headers import run_origin
from s3n_core.system.atomic_files import make_folder, output_error, write_bytes

_MARGIN, _GAP, _SIDE = 16.0, 10.0, 126.0
_HEADER, _TITLES, _WORDS, _FOOTER = 32.0, 14.0, 22.0, 22.0
_VIEW = Placement((448, 448), ViewFrame(box=(0.0, 0.0, 448.0, 448.0), size=448))  # the whole view, at any size
_MOST_FRAMES = 150
_LONGEST = 12.0  # seconds per loop, if no duration is set
_LAST = 2000  # milliseconds for which the last epoch is shown
_SAMPLED = 8  # frames from which the palette is computed


@dataclass(frozen=True, slots=True, kw_only=True)
class AnimationOptions:
    """Options of an animation.

    Attributes:
        width: Width in pixels, 240 ... 2400.
        seconds: Duration of each epoch, 0.02 ... 10; None: half a second, less for many epochs.
        probes: Numbers of the probe images to show, from 1; None: all.
        colour_map: One of `palettes.PALETTES`.
        opacity: Opacity of maps over the grey image, 0 ... 1.
    """

    width: int = 760
    seconds: float | None = None
    probes: tuple[int, ...] | None = None
    colour_map: PaletteName = PALETTES[0]
    opacity: float = STANDARD_OPACITY

    def __post_init__(self) -> None:
        if not 240 <= self.width <= 2400:
            raise ValueError(f"an animation must be 240 to 2400 pixels wide, not {self.width}")
        if self.seconds is not None and not 0.02 <= self.seconds <= 10:
            raise ValueError(f"an epoch must be shown for 0.02 to 10 seconds, not {self.seconds:g}")
        object.__setattr__(self, "colour_map", palette_named(self.colour_map))
        if not 0 <= self.opacity <= 1:
            raise ValueError(f"opacity must lie between 0 and 1, not {self.opacity}")


def animate(
    run: Path,
    out: Path,
    options: AnimationOptions | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Write an animation of a run's epochs as a GIF file.

    If there are more than 150 epochs, 150 evenly spaced ones are shown, including the last.

    Args:
        run: The run folder.
        out: The file; its folder is created.
        options: The options.
        progress: Called with (frames done, total frames).

    Returns:
        The number of frames.

    Raises:
        RunError: The folder is not a run, it has no snapshots, or one is damaged.
        OutputError: The file cannot be written, or would lie among the images of the run's data set.
    """
    options = options or AnimationOptions()
    snapshots = RunSnapshots(run)
    if snapshots.images is not None:
        check_output_file(out, snapshots.images)
    scene = _Scene(snapshots, options)
    make_folder(out.parent)  # before the frames, which may take minutes
    if out.is_dir():
        raise output_error(out, OSError(errno.EISDIR, "is a folder"))
    count = len(scene.epochs)

    def frame(position: int) -> Image.Image:
        if progress is not None:
            progress(position, count)
        return scene.frame(scene.epochs[position])

    sampled = sorted({round(position) for position in np.linspace(0, count - 1, min(count, _SAMPLED))})
    ramp = [f"#{bytes(colour).hex()}" for colour in coloured(np.linspace(0, 1, 20), options.colour_map)]
    plain = [tokens.PAGE, tokens.TEXT, tokens.QUIET, tokens.TRACK, tokens.GOOD, tokens.BAD]
    fixed = [*plain, *tokens.BRANCH_COLOURS.values(), *ramp]
    palette = common_palette([scene.frame(scene.epochs[position]).reduce(2) for position in sampled], fixed)
    seconds = options.seconds or max(0.06, min(0.5, _LONGEST / count))
    pauses = [round(1000 * seconds)] * (count - 1) + [max(_LAST, round(1000 * seconds))]
    licence = notice_of(run_origin(run))
    write_bytes(out, gif_bytes((frame(position) for position in range(count)), palette, pauses, licence))
    if progress is not None:
        progress(count, count)
    return count


class _Scene:
    """Draws epochs in the same layout and with a common range of Q_d, so that colours are comparable over time."""

    def __init__(self, snapshots: RunSnapshots, options: AnimationOptions) -> None:
        self._snapshots, self._options = snapshots, options
        self.epochs = _spread(snapshots.epochs, _MOST_FRAMES)
        self._panels: tuple[PanelName, ...] = ("peaks", "map_d", "image_d", "image_c")
        maps = [probe.map_d for epoch in self.epochs for probe in self._probes(epoch)]
        drawn = [values for values in maps if values is not None]
        if len(drawn) < len(maps):  # dense attention, or epochs whose radius was not stored
            self._panels = ("peaks", "image_d", "image_c")
        else:
            self._range = sampling_map_range(*drawn)
        self._rows = len(self._probes(self.epochs[0]))
        columns = len(self._panels)
        self._width = 2 * _MARGIN + columns * _SIDE + (columns - 1) * _GAP
        self._height = _MARGIN + _HEADER + _TITLES + self._rows * (_SIDE + _WORDS) + _FOOTER

    def frame(self, epoch: int) -> Image.Image:
        """Draw an epoch."""
        canvas = Canvas(self._width, self._height, 72 * self._options.width / self._width)
        self._draw_header(canvas, epoch)
        top = _MARGIN + _HEADER + _TITLES
        for row, probe in enumerate(self._probes(epoch)):
            y = top + row * (_SIDE + _WORDS)
            for column, panel in enumerate(self._panels):
                area = canvas.snapped(Area(_MARGIN + column * (_SIDE + _GAP), y, _SIDE, _SIDE))
                if row == 0:
                    draw_title(canvas, area, panel)
                self._draw_picture(canvas, area, panel, probe)
                if panel == "map_d" and row == self._rows - 1:
                    below = Area(area.x, area.y, area.width, area.height + 12)  # under the words
                    draw_colour_bar(canvas, below, self._range, self._options.colour_map)
            self._draw_words(canvas, y + _SIDE + 11, probe)
        self._draw_time(canvas, epoch)
        return drawn_pixels(canvas)

    def _probes(self, epoch: int) -> Sequence[ProbeSnapshot]:
        probes = self._snapshots.probes(epoch)
        wanted = self._options.probes
        if wanted is None:
            return probes
        missing = [number for number in wanted if not 1 <= number <= len(probes)]
        if missing:
            raise RunError(f"The run {self._snapshots.name} has no probe image {missing[0]}; it has {len(probes)}.")
        return [probes[number - 1] for number in wanted]

    def _draw_header(self, canvas: Canvas, epoch: int) -> None:
        right = self._width - _MARGIN
        told = self._accuracy_text(epoch)
        # Reserve room for the longest text, so that nothing moves between frames.
        texts = {self._accuracy_text(other) for other in self._snapshots.epochs}
        room = max(canvas.width_of(text, size=tokens.SECTION) for text in texts)
        canvas.text(right, _MARGIN + 11, told, size=tokens.SECTION, colour=tokens.QUIET, align="right")
        number = f"epoch {epoch + 1} of {self._snapshots.planned}"
        canvas.text(right - room - 14, _MARGIN + 11, number, size=tokens.SECTION, bold=True, align="right")
        name_room = (
            self._width - 2 * _MARGIN - room - 28 - canvas.width_of("epoch 888 of 888", size=tokens.SECTION, bold=True)
        )
        canvas.text(_MARGIN, _MARGIN + 11, self._snapshots.name, size=tokens.TITLE - 3, bold=True, room=name_room)

    def _accuracy_text(self, epoch: int) -> str:
        accuracy = self._snapshots.accuracy(epoch)
        return "" if accuracy is None else f"{accuracy[0]} accuracy {accuracy_share_text(*accuracy[1:])}"

    def _draw_picture(self, canvas: Canvas, area: Area, panel: PanelName, probe: ProbeSnapshot) -> None:
        size = canvas.size_of(area)
        shown = {"image_d": probe.image_d, "image_c": probe.image_c}.get(panel, probe.view)
        pixels = np.asarray(shown.resize(size, Image.Resampling.LANCZOS))
        if panel == "map_d" and probe.map_d is not None:
            share = _VIEW.on_picture(self._range.share(probe.map_d), size)
            pixels = overlaid(pixels, coloured(share, self._options.colour_map), self._options.opacity)
        canvas.image(area, pixels)
        if panel == "peaks":
            places, (response, weight_d, weight_c) = probe.peaks[:, :2], probe.peaks[:, 2:].T
            draw_peaks(canvas, area, places, response, weight_d, weight_c)

    def _draw_words(self, canvas: Canvas, baseline: float, probe: ProbeSnapshot) -> None:
        x = _MARGIN
        if probe.truth is not None:
            right = probe.truth == probe.answer
            x += canvas.text(
                x,
                baseline,
                "✓" if right else "✗",
                size=tokens.BODY,
                bold=True,
                colour=tokens.GOOD if right else tokens.BAD,
            )
            x += 3
        number = probability_text(probe.probability)
        room = 2 * _SIDE + _GAP - (x - _MARGIN) - canvas.width_of(number, size=tokens.BODY) - 4
        x += canvas.text(x, baseline, displayed_class(probe.answer), size=tokens.BODY, bold=True, room=room) + 4
        canvas.text(x, baseline, number, size=tokens.BODY, colour=tokens.QUIET)

    def _draw_time(self, canvas: Canvas, epoch: int) -> None:
        """Draw the training progress as a line under the header."""
        track = Area(_MARGIN, _MARGIN + 18, self._width - 2 * _MARGIN, 2.0)
        canvas.rectangle(track, tokens.TRACK)
        done = (epoch + 1) / self._snapshots.planned
        canvas.rectangle(Area(track.x, track.y, track.width * done, track.height), tokens.BRANCH_COLOURS["joint"])


def _spread(epochs: Sequence[int], most: int) -> tuple[int, ...]:
    """Return at most ``most`` evenly spaced epochs, including the first and the last."""
    places = np.linspace(0, len(epochs) - 1, min(len(epochs), most)).round().astype(int)
    return tuple(epochs[place] for place in places.tolist())
