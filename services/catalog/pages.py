"""Writes a catalog's pages to listen on from what the database holds. Everything about how they look is in
`services.web`; nothing here renders a take."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from db.acceptance import heard_facts
from db.computing import seconds_of_computing
from db.engine import reading
from db.rows import AcceptanceRow, AssetRow, TakeRow
from db.takes import READ_CHUNK, in_catalog, newest_brief, take_rows
from models.controls import Controls
from services.catalog.compared import Comparison, compared, is_comparable
from services.mastering.listening import LISTENING_REVISION
from services.web.comparison import write_comparison
from services.web.page import PageAcceptance, PageCatalog, PageFile, PageTake, write_pages

COMPARISON = "compare.html"


def page_path(home: Path, catalog: str) -> Path:
    """Where the first page of a catalog lies."""
    return home / catalog / "index.html"


def publish(engine: Engine, home: Path, catalog: str) -> Path:
    """Write the pages of `catalog` anew; returns the first one. The one that compares its generators is written where
    it has several, where takes were judged, and where it is there already."""
    with reading(engine) as session:
        about, takes = _read(session, catalog)
        folder = home / catalog
        if is_comparable(takes) or (folder / COMPARISON).exists():
            write_comparison(folder, about, _compared(session, catalog, takes).generators, takes)
            about = replace(about, comparison=COMPARISON)
        return write_pages(folder, about, takes)


def publish_comparison(engine: Engine, home: Path, catalog: str) -> tuple[Path, Comparison]:
    """Write the page that compares the generators of `catalog`; returns it, and the figures. The other pages tell of it
    when they are written next."""
    with reading(engine) as session:
        about, takes = _read(session, catalog)
        found = _compared(session, catalog, takes)
        return write_comparison(home / catalog, about, found.generators, takes), found


def _read(session: Session, catalog: str) -> tuple[PageCatalog, list[PageTake]]:
    title, sha256, use = newest_brief(session, catalog)
    about = PageCatalog(catalog, title, sha256, use)
    return about, list(_page_takes(session, take_rows(session, in_catalog(catalog))))


def _compared(session: Session, catalog: str, takes: list[PageTake]) -> Comparison:
    return compared(takes, seconds_of_computing(session, catalog))


def _page_takes(session: Session, takes: Iterator[TakeRow]) -> Iterator[PageTake]:
    while page := list(islice(takes, READ_CHUNK)):
        judged = {take.pcm_sha256 for take in page if take.acceptance and take.pcm_sha256}
        heard = heard_facts(session, judged, LISTENING_REVISION)
        for take in page:
            yield _page_take(take, heard.get(take.pcm_sha256 or "", {}))


def _page_take(take: TakeRow, heard: dict[str, Any]) -> PageTake:
    return PageTake(
        id=take.id,
        zone=take.zone,
        cue=take.cue,
        state=take.state,
        index=take.index,
        prompt=take.prompt,
        seed=take.seed,
        status=take.status,
        generator=take.generator,
        revision=take.revision,
        controls=Controls.from_json(take.controls),
        lufs=take.measurements.get("integrated_lufs"),
        true_peak=take.measurements.get("true_peak_dbtp"),
        pcm_sha256=take.pcm_sha256,
        files=tuple(_page_file(take.catalog, asset) for asset in take.assets),
        error=take.error,
        point=tuple(take.point.values()),
        acceptance=_page_acceptance(take.acceptance, heard),
    )


def _page_acceptance(row: AcceptanceRow | None, heard: dict[str, Any]) -> PageAcceptance | None:
    if row is None:
        return None
    told = PageAcceptance(row.outcome, row.score, tuple(row.reasons), row.parts)
    return replace(told, bpm=heard.get("bpm"), key=heard.get("key"))


def _page_file(catalog: str, asset: AssetRow) -> PageFile:
    path = PurePosixPath(asset.path).relative_to(catalog)
    return PageFile(asset.role, asset.media_type, str(path), asset.duration_s, asset.bytes)
