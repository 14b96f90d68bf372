"""`s3n parts`: find the parts that tell classes apart, over a whole data set."""

from __future__ import annotations

import typer

from s3n_core.commands.parts.agree import agree
from s3n_core.commands.parts.assign import assign
from s3n_core.commands.parts.build import build
from s3n_core.commands.parts.compare import compare
from s3n_core.commands.parts.edit import edit
from s3n_core.commands.parts.expect import expect
from s3n_core.commands.parts.export import export
from s3n_core.commands.parts.like import like
from s3n_core.commands.parts.matrix import matrix
from s3n_core.commands.parts.measure import measure
from s3n_core.commands.parts.show import show
from s3n_core.commands.parts.steady import steady
from s3n_core.commands.parts.truth import truth

HELP = """Find parts over a whole data set, and what tells one class from another.

Examples: s3n parts build first birds --out atlas; s3n parts show atlas
"""

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
for command in (build, show, compare, matrix, agree, expect, like, assign, edit, measure, steady, truth, export):
    app.command()(command)
