"""Writes an audit to a file, as its name asks: Parquet, CSV, JSON, and the documents for people and other programs.

Every file appears whole or not at all. Rows stream through; memory holds a page.
"""

import gc
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from services.audit.asking import AuditError
from services.audit.audit import Audit
from services.audit.jsons import row_json, summary_json
from services.audit.table import Tabulator, spreadsheet_safe
from services.storage.whole import whole_file

Progress = Callable[[int], None]
FORMATS = (".prov.json", ".intoto.json", ".html", ".csv", ".parquet", ".json")  # the longer names first


def format_of(target: Path, formats: Iterable[str] = FORMATS) -> str:
    """Which of `formats` the name of `target` ends with. Raises AuditError, also where no file can be put there."""
    listed = tuple(formats)
    found = next((ending for ending in listed if target.name.lower().endswith(ending)), None)
    if found is None:
        endings = f"{', '.join(listed[:-1])} or {listed[-1]}"
        raise AuditError(f"--out: {target}: unknown format; use a name ending in {endings}")
    if not target.parent.is_dir():
        raise AuditError(f"--out: {target}: there is no folder {target.parent}; create it first")
    if target.is_dir():
        raise AuditError(f"--out: {target}: is a folder; name a file")
    return found


def write_table(audit: Audit, home: Path, target: Path, told: Progress = lambda count: None) -> int:
    """Write one row a take to `target` (`.parquet` or `.csv`); returns how many. `told` hears of every page."""
    tabulator, count = Tabulator(audit.asked, home), 0
    with whole_file(target) as part, _table_writer(target.suffix.lower(), part, tabulator) as write, _no_cycles():
        for page in audit.reader.pages():
            batch = tabulator.batch(page)
            write(batch)
            count += batch.num_rows
            told(batch.num_rows)
    return count


@contextmanager
def _no_cycles() -> Iterator[None]:
    """Rows hold no cycles: looking for some among millions of them takes a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def _table_writer(suffix: str, part: Path, tabulator: Tabulator) -> Iterator[Callable[[Any], None]]:
    """Writes record batches: a row group each; texts that never repeat are kept as they are."""
    import pyarrow.csv as pacsv
    import pyarrow.parquet as papq

    if suffix == ".parquet":
        schema = tabulator.schema()
        repeated = [name for name in schema.names if name not in tabulator.unique]
        with papq.ParquetWriter(part, schema, compression="zstd", use_dictionary=repeated) as writer:
            yield writer.write_batch
        return
    with pacsv.CSVWriter(part, spreadsheet_safe(tabulator.empty()).schema) as writer:
        yield lambda batch: writer.write_batch(spreadsheet_safe(batch))


def write_json(audit: Audit, home: Path, target: Path, told: Progress = lambda count: None) -> int:
    """Write the audit as one JSON document, a take a line; returns how many takes."""
    with whole_file(target) as part, part.open("w", encoding="utf-8") as file:
        for number, text in enumerate(json_pieces(audit, home)):
            file.write(text)
            told(min(number, 1))
    return number - 1


def json_pieces(audit: Audit, home: Path, ascii_only: bool = False) -> Iterator[str]:
    """The document `{totals..., "takes": [...]}` in pieces: the totals, a piece a take, the end."""
    head = json.dumps(summary_json(audit.summary), ensure_ascii=ascii_only)
    yield head[:-1] + ', "takes": ['
    for number, row in enumerate(audit.reader.rows()):
        yield (",\n" if number else "\n") + json.dumps(row_json(row, home), ensure_ascii=ascii_only)
    yield "\n]}\n"
