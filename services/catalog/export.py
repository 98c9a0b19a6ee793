"""Takes as a table file, streamed through Arrow: memory stays flat however many takes there are.

Writes Parquet or CSV, which appears whole or not at all. Reads the database only. In CSV a text that a
spreadsheet would take for a formula (`=1+1`) gets an apostrophe before it; Parquet holds every text as it is.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from db.rows import TakeRow
from services.storage.whole import whole_file

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_A_BATCH = 2_000
FORMATS = (".parquet", ".csv")
FORMULAS = ("=", "+", "-", "@", "\t", "\r")  # what makes a cell a formula: OWASP, "CSV Injection"


class ExportError(ValueError):
    """The table cannot be written there or in that format."""


def export_takes(takes: Iterable[TakeRow], home: Path, target: Path) -> int:
    """Write one row a take to `target` (`.parquet` or `.csv`); returns how many. Raises ExportError."""
    if target.suffix.lower() not in FORMATS:
        raise ExportError(f"{target}: unknown table format {target.suffix!r}; use a name ending in .parquet or .csv")
    if not target.parent.is_dir():
        raise ExportError(f"{target}: there is no folder {target.parent}; create it first")
    if target.is_dir():
        raise ExportError(f"{target}: is a folder; name a file")
    with whole_file(target) as part:
        return _write(takes, home, part, target.suffix.lower())


def _write(takes: Iterable[TakeRow], home: Path, part: Path, suffix: str) -> int:
    import pyarrow.csv as pacsv
    import pyarrow.parquet as papq

    schema, count = table_schema(), 0
    writer = papq.ParquetWriter(part, schema) if suffix == ".parquet" else pacsv.CSVWriter(part, schema)
    with writer:
        for batch in _batches(takes, home, schema, _spreadsheet_safe if suffix == ".csv" else dict):
            writer.write_batch(batch)
            count += batch.num_rows
    return count


def table_schema() -> "pa.Schema":
    """The columns of the table. Nested values (controls, point, assets) are JSON text, so that CSV holds them too."""
    import pyarrow as pa

    texts = ("id", "catalog", "zone", "cue", "state", "point", "prompt", "generator", "revision", "genre", "mood")
    more = ("key", "meter", "form", "controls", "status", "pcm_sha256", "mix_path", "assets", "error", "acceptance")
    numbers = [("index", pa.int64()), ("seed", pa.int64()), ("bars", pa.int64()), ("intensity", pa.int64())]
    floats = ("bpm", "duration_s", "integrated_lufs", "true_peak_dbtp", "score")
    times = [(name, pa.timestamp("us", tz="UTC")) for name in ("planned_at", "recorded_at")]
    columns = [(n, pa.string()) for n in texts + more] + numbers + [(n, pa.float64()) for n in floats]
    return pa.schema([*columns, ("loop", pa.bool_()), *times])


def _batches(
    takes: Iterable[TakeRow], home: Path, schema: "pa.Schema", written: Callable[[dict[str, Any]], dict[str, Any]]
) -> Iterator["pa.RecordBatch"]:
    import pyarrow as pa

    rows = (written(_row(take, home)) for take in takes)
    while batch := list(islice(rows, ROWS_A_BATCH)):
        yield pa.RecordBatch.from_pylist(batch, schema=schema)


def _spreadsheet_safe(row: dict[str, Any]) -> dict[str, Any]:
    """The row as CSV holds it: texts that begin like a formula after an apostrophe; numbers as they are."""
    return {name: f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULAS) else cell
            for name, cell in row.items()}


def _row(take: TakeRow, home: Path) -> dict[str, Any]:
    controls = take.controls
    mix = next((asset for asset in take.assets if asset.role == "mix"), None)
    assets = [{"role": a.role, "path": str(home / a.path), "sha256": a.sha256, "bytes": a.bytes} for a in take.assets]
    plain = ("id", "catalog", "zone", "cue", "state", "prompt", "generator", "revision", "status", "pcm_sha256")
    musical = ("genre", "mood", "key", "meter", "form", "bars", "intensity", "bpm", "loop")
    return {
        **{name: getattr(take, name) for name in (*plain, "error", "index", "seed", "planned_at", "recorded_at")},
        **{name: controls.get(name) for name in musical},
        **{name: take.measurements.get(name) for name in ("integrated_lufs", "true_peak_dbtp")},
        "acceptance": take.acceptance.outcome if take.acceptance else None,
        "score": take.acceptance.score if take.acceptance else None,
        "point": json.dumps(take.point, sort_keys=True),
        "controls": json.dumps(controls, sort_keys=True),
        "assets": json.dumps(assets),
        "mix_path": str(home / mix.path) if mix else None,
        "duration_s": mix.duration_s if mix else controls.get("duration"),
    }
