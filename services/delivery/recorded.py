"""Holds releases on record to their manifests, for `verify`: what a release says and what its rows say are one.

The rows themselves are held to the ledger elsewhere; this finds a manifest that tells of other files than its rows.
Reads only.
"""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from db.releases import ItemRow, ReleaseRow, release_items, release_rows
from services.delivery.checking import FolderProblem, manifest_problems

_SAID = ("path", "role", "media_type", "sha256", "bytes", "source_sha256")


def release_problems(session: Session, catalog: str | None = None) -> Iterator[str]:
    """A sentence for every release that its manifest does not fit."""
    for row in release_rows(session, catalog, manifests=True):
        for problem in _problems(row, release_items(session, row.id)):
            yield f"release {row.name!r} of catalog {row.catalog!r} ({row.id}): {problem.path} {problem.what}"


def _problems(row: ReleaseRow, items: list[ItemRow]) -> Iterator[FolderProblem]:
    told, problems = manifest_problems((row.manifest or "").encode(), row.manifest_sha256)
    yield from problems
    if told is None:
        return
    files = {file["path"]: file for file in told["files"]}
    rows = {item.path: item for item in items}
    for path in sorted(files.keys() ^ rows.keys()):
        yield FolderProblem(path, "is in its manifest only" if path in files else "is in no manifest")
    for path in sorted(files.keys() & rows.keys()):
        item = rows[path]
        said = {"take": item.take_id, "judgement": item.judgement_id, **{name: getattr(item, name) for name in _SAID}}
        if wrong := [name for name, value in said.items() if files[path].get(name) != value]:
            yield FolderProblem(path, f"is told otherwise by its manifest: {', '.join(wrong)}")
