"""Checks what is recorded against what is there: `verify`, `gc`, and takes rendered again for `reproduce`.

Verification returns problems with remedies; it changes nothing unless it is asked to plan broken takes again.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Engine

from db.engine import reading, writing
from db.rows import AssetRow, Recording, TakeRow
from db.runs import plan_again
from db.takes import in_catalog, referenced_blobs, take_profile, take_rows, with_id_prefix, with_status
from models.registry import CARDS
from services.catalog.runs import job
from services.rendering.in_process import InProcessExecutor
from services.rendering.jobs import Workshop
from services.storage.folder import FolderStore
from services.storage.store import digest
from services.storage.tree import link

RENDER_AGAIN = "run `cueworks verify --repair`, then the same `cueworks generate` again"


@dataclass(frozen=True)
class Problem:
    """One difference between record and reality."""

    take: str | None
    what: str
    remedy: str


@dataclass(frozen=True)
class Verification:
    """What verify found. `unreferenced` blobs are leftovers, no fault; `gc` removes them."""

    takes: int
    files: int
    problems: tuple[Problem, ...]
    unreferenced: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.problems


def verify(
    engine: Engine, home: Path, store: FolderStore, catalog: str | None, progress: Callable[[int], None]
) -> Verification:
    """Check every file of every finished take: there, unchanged, and in its place in the tree."""
    problems: list[Problem] = []
    takes = files = 0
    checked: dict[str, str | None] = {}
    condition = with_status("done", "superseded") & (in_catalog(catalog) if catalog else with_status("done", "superseded"))
    with reading(engine) as session:
        for take in take_rows(session, condition):
            if take.pcm_sha256 is None:
                continue
            takes += 1
            files += len(take.assets)
            problems += _take_problems(take, home, store, checked)
            progress(1)
        known = set(referenced_blobs(session))
    unreferenced = tuple(sorted(blob.sha256 for blob in store.digests() if blob.sha256 not in known))
    return Verification(takes, files, tuple(problems), unreferenced)


def _take_problems(take: TakeRow, home: Path, store: FolderStore, checked: dict[str, str | None]) -> Iterator[Problem]:
    mixes = [asset.pcm_sha256 for asset in take.assets if asset.role == "mix" and asset.pcm_sha256]
    if mixes != [take.pcm_sha256]:
        yield Problem(take.id, f"the take records PCM {take.pcm_sha256}, its master {mixes}", RENDER_AGAIN)
    for asset in take.assets:
        if asset.sha256 not in checked:
            checked[asset.sha256] = _blob_fault(asset, store)
        fault = checked[asset.sha256] or _tree_fault(asset, home, store)
        if fault:
            yield Problem(take.id, f"{asset.role} ({asset.path}): {fault}", RENDER_AGAIN)


def _blob_fault(asset: AssetRow, store: FolderStore) -> str | None:
    if not store.has(asset.sha256):
        return f"blob {asset.sha256} is missing"
    with store.open(asset.sha256) as file:
        found = digest(file)
    if found.sha256 != asset.sha256 or found.bytes != asset.bytes:
        return f"blob {asset.sha256} was changed: its bytes hash to {found.sha256}"
    if asset.pcm_sha256 is not None:
        from services.mastering.encode import decoded_pcm_sha256

        if decoded_pcm_sha256(store.path(asset.sha256)) != asset.pcm_sha256:
            return f"blob {asset.sha256} does not decode to the PCM that is recorded"
    return None


def _tree_fault(asset: AssetRow, home: Path, store: FolderStore) -> str | None:
    path = home / asset.path
    if not path.is_file():
        return "the file is missing from the readable tree"
    if path.samefile(store.path(asset.sha256)):
        return None
    with path.open("rb") as file:
        return None if digest(file).sha256 == asset.sha256 else "the file in the readable tree was changed"


def repair(engine: Engine, home: Path, store: FolderStore, found: Verification) -> int:
    """Put tree files back where their blobs are whole; plan the other broken takes again. Returns how many of those."""
    broken = sorted({problem.take for problem in found.problems if problem.take})
    again: list[str] = []
    with reading(engine) as session:
        for id_ in broken:
            take = next(take_rows(session, with_id_prefix(id_)))
            if any(_blob_fault(asset, store) for asset in take.assets):
                again.append(id_)
                continue
            for asset in take.assets:
                (home / asset.path).unlink(missing_ok=True)
                link(store.path(asset.sha256), home / asset.path)
    with writing(engine) as session:
        plan_again(session, again)
    return len(again)


def collect_garbage(engine: Engine, store: FolderStore) -> tuple[int, int]:
    """Remove blobs that no asset refers to, and old half-written files. Returns (files, bytes) removed.

    Call it while no run is going on: a take on its way has blobs before it has assets.
    """
    with reading(engine) as session:
        known = set(referenced_blobs(session))
    removed = size = 0
    for blob in list(store.digests()):
        if blob.sha256 not in known:
            store.delete(blob.sha256)
            removed, size = removed + 1, size + blob.bytes
    return removed + store.sweep(), size


@dataclass(frozen=True)
class Reproduction:
    """A take rendered once more. `identical` is None where it cannot be tried; `note` says why, or what differs."""

    take: str
    identical: bool | None
    pcm_sha256: str | None
    recorded_pcm_sha256: str | None
    note: str


def reproduce(engine: Engine, takes: list[TakeRow], workshop_for: Callable[[str], Workshop]) -> Iterator[Reproduction]:
    """Render takes again in this process, in a scratch folder, and compare PCM; nothing recorded changes."""
    with tempfile.TemporaryDirectory(prefix="cueworks-reproduce-") as scratch:
        executors: dict[str, InProcessExecutor] = {}
        for take in takes:
            obstacle = _obstacle(take)
            if obstacle:
                yield Reproduction(take.id, None, None, take.pcm_sha256, obstacle)
                continue
            if take.generator not in executors:
                workshop = replace(workshop_for(take.generator), home=Path(scratch))
                executors[take.generator] = InProcessExecutor(workshop)
            (recording,) = executors[take.generator].run([job(take)])
            yield _compared(engine, take, recording)


def _obstacle(take: TakeRow) -> str | None:
    if take.pcm_sha256 is None:
        return f"has no sound yet (status {take.status}); generate it first"
    known = CARDS.get(take.generator)
    if known is None:
        return f"needs generator {take.generator}, which is not registered"
    if known.revision != take.revision:
        return f"needs revision {take.revision} of {take.generator}; this is {known.revision}"
    return None


def _compared(engine: Engine, take: TakeRow, recording: Recording) -> Reproduction:
    if recording.pcm_sha256 is None:
        return Reproduction(take.id, False, None, take.pcm_sha256, f"did not render: {recording.error}")
    recorded = {asset.role: asset.pcm_sha256 for asset in take.assets if asset.pcm_sha256}
    again = {asset.role: asset.pcm_sha256 for asset in recording.assets if asset.pcm_sha256}
    if recorded == again:
        return Reproduction(take.id, True, recording.pcm_sha256, take.pcm_sha256, "identical")
    with reading(engine) as session:
        profile = take_profile(session, take.id)
    same_profile = recording.profile is not None and profile == recording.profile.profile
    roles = ", ".join(sorted(role for role in recorded if recorded[role] != again.get(role)))
    why = "on the same engine profile" if same_profile else "this machine's engine profile is another one than recorded"
    return Reproduction(take.id, False, recording.pcm_sha256, take.pcm_sha256, f"differs in {roles}; {why}")
