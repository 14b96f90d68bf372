"""`s3n inspection-server`: the process that inspects images for the window; not for use by hand."""

from __future__ import annotations

from typing import Annotated

import typer

HELP = "Inspect images for the window, which talks to this process over its standard streams."


def inspection_server(
    idle_seconds: Annotated[
        float, typer.Option("--idle-seconds", metavar="N", help="Unload the model after this many idle seconds.")
    ] = 300,
) -> None:
    """Serve inspections."""
    from s3n_core.server.process import main

    raise typer.Exit(main([f"--idle-seconds={idle_seconds}"]))
