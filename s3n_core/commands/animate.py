"""`s3n animate`: a run's visual evidence over its epochs as a GIF."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from s3n_core.commands.arguments import JsonOption, RunsOption
from s3n_core.commands.failures import interruptible, say
from s3n_core.commands.number_options import fraction, whole
from s3n_core.commands.progress import progress_bar

HELP = """Write an animated GIF that shows how a run's visual evidence changed from epoch to epoch.

It shows the run's probe images: peaks, discriminative map (Q_d), D and C images, the prediction, and the accuracy.

Example: s3n animate first --out first.gif
"""


def animate(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's name or folder.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The GIF file to write.")],
    images: Annotated[
        str | None, typer.Option("--images", metavar="N,N", help="Probe images to show, counted from 1; default: all.")
    ] = None,
    width: Annotated[
        int, typer.Option("--width", metavar="PIXELS", parser=whole(240, 2400), help="Of the animation.")
    ] = 760,
    seconds: Annotated[
        float | None,
        typer.Option(
            "--seconds",
            metavar="S",
            parser=fraction(0.02, 10),
            help="How long each epoch is shown; default: depends on the number of epochs.",
        ),
    ] = None,
    colours: Annotated[
        str, typer.Option("--colours", metavar="NAME", help="Palette of the map: viridis, magma, cividis or grey.")
    ] = "viridis",
    runs: RunsOption = None,
    json: JsonOption = False,
) -> None:
    """Animate a run."""
    from s3n_core.export.animation import AnimationOptions
    from s3n_core.export.animation import animate as write_animation
    from s3n_core.inspection.palettes import palette_named
    from s3n_core.runs.locations import find_run, runs_root

    try:
        probes = None if images is None else tuple(int(number) for number in images.split(","))
        options = AnimationOptions(width=width, seconds=seconds, probes=probes, colour_map=palette_named(colours))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    path = find_run(run, runs_root(runs))
    stopped = interruptible(lambda: "Stopped; nothing was written.")
    with stopped, progress_bar("Animating", json=json) as bar:
        frames = write_animation(path, out, options, bar)
    if not json:
        say(f"{frames} {'epoch' if frames == 1 else 'epochs'}.")
        typer.echo(str(out))
