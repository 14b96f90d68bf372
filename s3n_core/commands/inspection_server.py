"""`s3n inspection-server`: what the window starts to look into images; not for people."""

from __future__ import annotations

from typing import Annotated

import typer

HELP = "Look into images for a window, which talks to this process over its standard streams."


def inspection_server(
    idle_seconds: Annotated[
        float, typer.Option("--idle-seconds", metavar="N", help="When to let go of the model.")
    ] = 300,
) -> None:
    """Serve inspections."""
    from s3n_core.server.process import main

    raise typer.Exit(main([f"--idle-seconds={idle_seconds}"]))
