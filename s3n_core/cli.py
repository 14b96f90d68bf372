"""The command line, `s3n COMMAND`. Errors that the user can fix are one sentence; others are logged with traceback."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Sequence

import typer

from s3n_core.commands import (
    animate,
    audit,
    backbones,
    data,
    demo_data,
    devices,
    evaluate,
    export,
    export_onnx,
    faithfulness,
    import_checkpoint,
    inspection_server,
    pack,
    predict,
    reproduce,
    runs,
    shuffle_labels,
    train,
    weights,
)
from s3n_core.commands.failures import exit_code_of
from s3n_core.commands.parts import app as parts
from s3n_core.commands.plain_output import write_plainly
from s3n_core.version import __version__

app = typer.Typer(
    name="s3n",
    help="""Train and inspect image classifiers that find the parts that tell similar things apart, from image labels alone.

Example: s3n demo-data birds; s3n train birds --name first; s3n evaluate first birds
""",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("train", help=train.HELP)(train.train)
app.command("pack", help=pack.HELP)(pack.pack)
app.command("unpack", help=pack.UNPACK_HELP)(pack.unpack)
app.command("predict", help=predict.HELP)(predict.predict)
app.command("export", help=export.HELP)(export.export)
app.command("animate", help=animate.HELP)(animate.animate)
app.command("export-onnx", help=export_onnx.HELP)(export_onnx.export_onnx)
app.command("evaluate", help=evaluate.HELP)(evaluate.evaluate)
app.command("faithfulness", help=faithfulness.HELP)(faithfulness.faithfulness)
app.command("audit", help=audit.HELP)(audit.audit)
app.command("reproduce", help=reproduce.HELP)(reproduce.reproduce)
app.command("import-checkpoint", help=import_checkpoint.HELP)(import_checkpoint.import_checkpoint)
app.command("data", help=data.HELP)(data.data)
app.command("demo-data", help=demo_data.HELP)(demo_data.demo_data)
app.command("shuffle-labels", help=shuffle_labels.HELP)(shuffle_labels.shuffle_labels)
app.command("devices", help=devices.HELP)(devices.devices)
app.command("backbones", help=backbones.HELP)(backbones.backbones)
app.command("inspection-server", help=inspection_server.HELP, hidden=True)(inspection_server.inspection_server)
app.add_typer(parts.app, name="parts", help=parts.HELP)
app.add_typer(weights.app, name="weights", help=weights.HELP)
app.add_typer(runs.app, name="runs", help=runs.HELP)


@app.callback(invoke_without_command=True)
def _version(
    version: bool = typer.Option(False, "--version", help="Show the version and exit.", is_eager=True),
) -> None:
    if version:
        typer.echo(f"s3n {__version__}")
        raise typer.Exit


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Arguments after the program's name; None: those of this process.

    Returns:
        The exit code: 0 success, 1 an error reported in one sentence, 2 wrong arguments, 70 a defect of the program
        (the message names the log with its traceback), 130 stopped by Ctrl+C.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    write_plainly()
    # Pillow warns about damaged EXIF blocks of images that it reads nevertheless.
    warnings.filterwarnings("ignore", module="PIL")
    # A log that cannot be written (for example, a full disk) must not print tracebacks.
    logging.raiseExceptions = False
    try:
        code = app(arguments, prog_name="s3n", standalone_mode=False)
    except SystemExit as exit_:
        if isinstance(exit_.__context__, BrokenPipeError):  # which typer takes for an error
            return exit_code_of(exit_.__context__)
        return exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
    except BaseException as error:
        return exit_code_of(error, json="--json" in arguments)
    return code if isinstance(code, int) else 0
