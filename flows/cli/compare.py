"""`cueworks compare`: what each generator made of the same orders, as tables and as a page. Renders nothing."""

from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli import output
from flows.cli.errors import UsageError
from flows.cli.options import Json, Quiet

if TYPE_CHECKING:
    from services.web.comparison import MakerFigures, PointFigures

MAKER_COLUMNS = [
    "generator", "made", "kept", "spare", "rejected", "accepted", "tempo", "key", "score", "LUFS", "s per s",
]  # fmt: skip
POINT_COLUMNS = [
    "cue", "zone", "point", "generator", "made", "kept", "spare", "rejected", "best", "best take",
]  # fmt: skip
APART = ("spare", "rejected")  # left out where a terminal shows the tables: files, JSON and the page have them


def compare(
    catalog: Annotated[str, typer.Argument(help="The catalog's name.", show_default=False)],
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare the generators of a catalog, and write the page to listen to them side by side.

    Of each: takes made, kept, spare and rejected; the shares that were accepted and that keep tempo and key; the mean
    score, the mean loudness as measured, and seconds of computing for each second of sound. Then each cue and point.
    What the brief's `accept` did not ask for was not judged: its columns stay empty. Tempo and key are shares of the
    takes in which they were heard; how many others there are is said.
    """
    from services.catalog.listing import catalogs
    from services.catalog.pages import publish_comparison
    from services.settings import Settings

    settings = Settings.from_environment()
    engine = settings.open_for_reading()
    known = [name for name, _, _ in catalogs(engine)]
    if catalog not in known:
        raise UsageError(f"no catalog {catalog!r} in {settings.home}; there are: {', '.join(known) or 'none'}")
    page, found = publish_comparison(engine, settings.home, catalog)
    if json:
        output.print_json({"catalog": catalog, "page": str(page), **found.as_json()})
        return
    output.print_table(MAKER_COLUMNS, map(_maker, found.generators), ("generator",), APART, MAKER_COLUMNS)
    if not quiet:
        output.line("")
        output.print_table(POINT_COLUMNS, map(_point, found.points), ("generator",), APART)
    output.line(f"compare: {page}")


def _maker(row: "MakerFigures") -> list[object]:
    judged = row.accepted is not None
    counts = [row.kept, row.spare, row.rejected] if judged else ["", "", ""]
    made = str(row.made) if row.made == row.ordered else f"{row.made} of {row.ordered}"
    return [
        row.generator, made, *counts, _share(row.accepted), _share(row.tempo, row.tempo_unheard),
        _share(row.key, row.key_unheard), _number(row.score, 2), _number(row.lufs[0] if row.lufs else None, 1),
        _number(row.computing, 2),
    ]  # fmt: skip


def _point(row: "PointFigures") -> list[object]:
    judged = row.kept + row.spare + row.rejected > 0
    counts = [row.kept, row.spare, row.rejected] if judged else ["", "", ""]
    made = str(row.made) if row.made == row.ordered else f"{row.made} of {row.ordered}"
    place = [row.cue, row.zone, "/".join(row.point), row.generator]
    return [*place, made, *counts, _number(row.best, 2), (row.best_take or "")[:12]]


def _share(value: float | None, unheard: int = 0) -> str:
    if value is None:
        return "not heard" if unheard else ""
    return f"{100 * value:.0f} %" + (f" ({unheard} not heard)" if unheard else "")


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
