"""`s3n export-onnx`: a model as an ONNX file, for programs without torch."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from s3n_core.commands.arguments import JsonOption, ModelArgument, RunsOption, open_named_model
from s3n_core.commands.failures import say
from s3n_core.commands.progress import print_json
from s3n_core.errors import OutputError

HELP = """Write a model as an ONNX file: the whole network, with the sampler.

Its input is a batch of normalised images of any size; its metadata holds the class names and the preprocessing. The file is
written only if onnxruntime computes the same as torch. Needs the extra onnx.

Example: s3n export-onnx first --out first.onnx
"""


def export_onnx(
    model: ModelArgument,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The file to write: .onnx.")],
    sampling: Annotated[
        str | None,
        typer.Option(
            "--sampling",
            metavar="MODE",
            help="How peaks are assigned to D and C: expected, extremes, all or identity; default: the model's own.",
        ),
    ] = None,
    evidence: Annotated[
        bool, typer.Option("--evidence", help="Add R, Q_d, Q_c and both grids to the outputs.")
    ] = False,
    runs: RunsOption = None,
    json: JsonOption = False,
) -> None:
    """Export a model as ONNX."""
    if out.suffix.lower() != ".onnx":
        raise OutputError(f"{out} is not a name for an ONNX file; it must end with .onnx.")
    if not out.absolute().parent.is_dir():
        raise OutputError(f"The folder {out.absolute().parent} does not exist; create it first.")
    opened = open_named_model(model, runs, "cpu", "float32", sampling)

    from s3n_core.export.onnx_export import export_onnx as write_onnx

    say("Tracing the network. This takes up to a minute.")
    report = write_onnx(opened, out, evidence=evidence)
    if json:
        print_json(asdict(report) | {"path": str(report.path)})
        return
    say(
        f"{report.bytes / 1e6:.1f} MB, sampling {report.sampling}, outputs {', '.join(report.outputs)}; onnxruntime "
        "and torch "
        f"differ by at most {max(report.difference.values()):.1g} of an output's largest value."
    )
    if notice := opened.header.network.licence_notice:
        say(notice)
    typer.echo(str(out))
