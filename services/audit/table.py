"""An audit as a table of plain columns, for Parquet and CSV: built by the page from lists, never a row at a time.

Why it exists: a million takes share some dozens of verdicts, generators and states. What is shared is rendered once a
page and kept as a dictionary column. Nested values (reasons, releases, contributions) are JSON text, so that CSV holds
them too. Nothing here reads a database or a file.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.audit.reading import TIMES, Page
from services.audit.rows import STAGES, Asked
from services.catalog.export import FORMULAS

if TYPE_CHECKING:
    import pyarrow as pa

SHARED = (  # texts that repeat: kept as a dictionary
    "catalog", "zone", "cue", "state", "point", "prompt", "prompt_sha256", "generator", "revision", "status",
    "master_media_type", "engine_profile", "brief_sha256",
)  # fmt: skip
UNIQUE = ("take", "pcm_sha256", "master_sha256", "master_path")


class Tabulator:
    """Makes record batches of an audit's pages; paths become absolute below `home`. `unique` texts never repeat."""

    unique = UNIQUE

    def __init__(self, asked: Asked, home: Path) -> None:
        self._asked, self._home = asked, f"{home}/"

    def batch(self, page: Page) -> "pa.RecordBatch":
        """The page as a record batch: the columns of `schema`."""
        import pyarrow as pa

        columns = self._columns(page)
        return pa.RecordBatch.from_arrays([columns[name] for name in self.schema().names], schema=self.schema())

    def schema(self) -> "pa.Schema":
        """The columns: a dictionary where values repeat, times in UTC to the microsecond, `ledger` a list."""
        import pyarrow as pa

        shared, text, time = pa.dictionary(pa.int32(), pa.string()), pa.string(), pa.timestamp("us", tz="UTC")
        kinds: dict[str, Any] = {"take": text, **dict.fromkeys(SHARED[:5], shared)}
        kinds |= {"index": pa.int64(), "prompt": shared, "prompt_sha256": shared, "seed": pa.int64()}
        kinds |= {"generator": shared, "revision": shared, "brief_sha256": shared, "status": shared}
        kinds |= {"planned_at": time, "recorded_at": time, "pcm_sha256": text, "master_sha256": text}
        kinds |= {"master_path": text, "master_media_type": shared, "duration_s": pa.float64()}
        kinds |= {"engine_profile": shared}
        for stage in STAGES:
            kinds |= {f"{stage}_verdict": shared, f"{stage}_judgement": shared, f"{stage}_judged_at": time}
        kinds |= dict.fromkeys(("use", "as_of", "known_at", "verdict", "licence", "reasons", "facts", "duties"), shared)
        kinds |= {"review": shared, "reviewed_by": shared, "reviewed_at": time}
        kinds |= {"releases": shared, "contributions": shared, "ledger": pa.list_(pa.int64())}
        return pa.schema(list(kinds.items()))

    def empty(self) -> "pa.RecordBatch":
        """A batch without rows."""
        import pyarrow as pa

        return pa.RecordBatch.from_pylist([], schema=self.schema())

    def _columns(self, page: Page) -> dict[str, "pa.Array"]:
        import pyarrow as pa

        schema, paths = self.schema(), [path and self._home + path for path in page["master_path"]]
        found = {name: pa.array(page[name], pa.string()).dictionary_encode() for name in SHARED}
        plain = ("index", "seed", "duration_s", *UNIQUE[:-1])
        found |= {name: pa.array(page[name], schema.field(name).type) for name in plain}
        found |= {name: _times(page[name]) for name in TIMES}
        found["ledger"] = _number_lists(page["ledger"])
        found["master_path"] = pa.array(paths, pa.string())
        for stage in STAGES:
            found |= _stated(stage, page[stage])
        found |= _told(page["judged"], _JUDGED) | _told(page["review"], _REVIEW)
        found |= _told(page["releases"], _RELEASES) | _told(page["contributions"], _CONTRIBUTIONS)
        found["reviewed_at"] = _times(review and review.at for review in page["review"])
        return found | self._question(len(paths))

    def _question(self, takes: int) -> dict[str, "pa.Array"]:
        asked = self._asked
        told = {"use": asked.use, "as_of": asked.as_of.isoformat(), "known_at": asked.known_at.isoformat()}
        return {name: _coded([0] * takes, [text]) for name, text in told.items()}


def _stated(stage: str, values: list[Any]) -> dict[str, "pa.Array"]:
    named = _told(values, {f"{stage}_verdict": lambda s: s.answer, f"{stage}_judgement": lambda s: s.judgement})
    return named | {f"{stage}_judged_at": _times(value and value.judged_at for value in values)}


def _told(values: list[Any], columns: dict[str, Callable[[Any], str | None]]) -> dict[str, "pa.Array"]:
    """Columns rendered from objects that takes share: once for each object; nothing for None and ()."""
    codes: dict[int, int] = {}
    distinct: list[Any] = []
    indices: list[int | None] = []
    for value in values:
        if not value:
            indices.append(None)
            continue
        code = codes.get(id(value))
        if code is None:
            code = codes[id(value)] = len(distinct)
            distinct.append(value)
        indices.append(code)
    return {name: _coded(indices, [render(value) for value in distinct]) for name, render in columns.items()}


def _coded(indices: list[Any], texts: list[Any]) -> "pa.DictionaryArray":
    """A dictionary column; texts that are equal share an entry."""
    import pyarrow as pa

    entries = pa.array(texts, pa.string()).dictionary_encode()
    places = entries.indices.take(pa.array(indices, pa.int32()))
    return pa.DictionaryArray.from_arrays(places, entries.dictionary)


def _times(values: Iterable[Any]) -> "pa.Array":
    """Times, or texts in UTC as SQLite keeps them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind, listed = pa.timestamp("us", tz="UTC"), list(values)
    if not isinstance(next(filter(None, listed), None), str):
        return pa.array(listed, kind)
    return pc.assume_timezone(pa.array(listed, pa.string()).cast(pa.timestamp("us")), "UTC")


def _number_lists(texts: list[str | None]) -> "pa.Array":
    """`12,40` as a list of numbers."""
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = pc.split_pattern(pa.array(texts, pa.string()), ",")
    return parts.cast(pa.list_(pa.int64()))


def compact(value: object) -> str:
    """JSON text as cells hold it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


_JUDGED: dict[str, Callable[[Any], str | None]] = {
    "verdict": lambda judged: judged.answer,
    "licence": lambda judged: judged.licence,
    "reasons": lambda judged: compact([reason_json(reason) for reason in judged.reasons]),
    "facts": lambda judged: compact(judged.facts),
    "duties": lambda judged: compact(judged.duties),
}
_REVIEW: dict[str, Callable[[Any], str | None]] = {
    "review": lambda review: review.decision,
    "reviewed_by": lambda review: review.by,
}
_RELEASES: dict[str, Callable[[Any], str | None]] = {
    "releases": lambda releases: compact([release_json(release) for release in releases]),
}
_CONTRIBUTIONS: dict[str, Callable[[Any], str | None]] = {
    "contributions": lambda given: compact([contribution_json(one) for one in given]),
}


def reason_json(reason: Any) -> dict[str, Any]:
    return {"rule": reason.rule, "answer": reason.answer, "text": reason.text, "facts": list(reason.facts)}


def release_json(release: Any) -> dict[str, Any]:
    withdrawn = release.withdrawn_at.isoformat() if release.withdrawn_at else None
    return {"id": release.id, "name": release.name, "use": release.use, "target": release.target,
            "at": release.at.isoformat(), "withdrawn_at": withdrawn}  # fmt: skip


def contribution_json(one: Any) -> dict[str, Any]:
    return {"kind": one.kind, "by": one.by, "note": one.note, "sha256": one.sha256, "at": one.at.isoformat()}


def spreadsheet_safe(batch: "pa.RecordBatch") -> "pa.RecordBatch":
    """The batch as CSV holds it: no dictionaries, lists as JSON text, an apostrophe before what looks like one of a
    spreadsheet's formulas."""
    import pyarrow as pa

    arrays = [_plain(column) for column in batch.columns]
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def _plain(column: "pa.Array") -> "pa.Array":
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_list(column.type):
        return pa.array([None if row is None else compact(row) for row in column.to_pylist()], pa.string())
    if pa.types.is_dictionary(column.type):
        return _plain(column.dictionary).take(column.indices)
    if not pa.types.is_string(column.type):
        return column
    formula = pc.is_in(pc.utf8_slice_codeunits(column, 0, 1), pa.array(FORMULAS))
    return pc.if_else(formula, pc.binary_join_element_wise("'", column, ""), column)
