"""Options that several commands share, declared once."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only results and errors.")]
Actors = Annotated[
    int | None, typer.Option("--actors", min=1, max=1024, help="Generator actors (default: one a processor or GPU).")
]
ExecutorName = Annotated[str | None, typer.Option("--executor", help="ray (the default) or in-process.")]
CatalogName = Annotated[str | None, typer.Option("--catalog", help="Only this catalog.")]
RetryQuarantined = Annotated[bool, typer.Option("--retry-quarantined", help="Try quarantined takes again.")]
