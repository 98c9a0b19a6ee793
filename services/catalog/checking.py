"""Checks what is recorded against what is there: `verify`, `gc`, and takes rendered again for `reproduce`.

Verification returns problems with remedies; it changes nothing unless it is asked to plan broken takes again.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Engine

from db.chunks import chunks
from db.engine import reading, writing
from db.ledger import append, begin
from db.rows import AssetRow, Recording, TakeRow
from db.runs import plan_again
from db.takes import in_catalog, knows_assets, referenced_among, take_profile, take_rows, with_ids, with_status
from models.generator import Place
from models.registry import Card, NoPlaceError
from services.catalog.lock import catalog_lock
from services.catalog.runs import job
from services.delivery.recorded import release_problems
from services.generators.known import KnownGenerators
from services.provenance.damage import is_damage
from services.provenance.findings import RESTORE
from services.provenance.ledger import LedgerVerification
from services.provenance.recording import plan_again_entries
from services.rendering.in_process import InProcessExecutor
from services.rendering.jobs import RenderingStoppedError, Workshop
from services.rendering.machine import cuda_devices
from services.storage.folder import FolderStore
from services.storage.store import Blob, BlobMissingError, digest
from services.storage.tree import link

REMEMBERED_BLOBS = 100_000
RENDER_AGAIN = "run `cueworks verify --repair`, then the same `cueworks generate` again"


@dataclass(frozen=True)
class Problem:
    """One difference between record and reality."""

    take: str | None
    what: str
    remedy: str


@dataclass(frozen=True)
class Verification:
    """What verify found. `unreferenced` blobs are leftovers, no fault; `gc` removes them.

    `ledger` is what the ledger tells of entries, checkpoints and rows; its problems are among `problems`."""

    takes: int
    files: int
    problems: tuple[Problem, ...]
    unreferenced: tuple[str, ...]
    ledger: LedgerVerification | None = None

    @property
    def ok(self) -> bool:
        return not self.problems

    def with_ledger(self, ledger: LedgerVerification) -> "Verification":
        """The same, with what the ledger tells."""
        told = (Problem(problem.take, f"ledger: {problem.what}", problem.remedy) for problem in ledger.problems)
        return replace(self, problems=(*self.problems, *told), ledger=ledger)


def verify(
    engine: Engine, home: Path, store: FolderStore, catalog: str | None, progress: Callable[[int], None]
) -> Verification:
    """Check every file of every finished take: there, unchanged, and in its place in the tree."""
    problems: list[Problem] = []
    takes = files = 0
    condition = with_status("done", "superseded")
    if catalog:
        condition &= in_catalog(catalog)
    inspector = _Inspector(home, store)
    unreferenced = tuple(sorted(blob.sha256 for blob in _unreferenced(engine, store)))
    with reading(engine) as session, _unless_unreadable(problems):
        for take in take_rows(session, condition):
            if take.status == "superseded" and take.pcm_sha256 is None:
                continue
            takes += 1
            files += len(take.assets)
            problems += inspector.problems(take)
            progress(1)
        problems += (Problem(None, what, RESTORE) for what in release_problems(session, catalog))
    return Verification(takes, files, tuple(problems), unreferenced)


@contextmanager
def _unless_unreadable(problems: list[Problem]) -> Iterator[None]:
    """A row that cannot be read ends the block, not the verification: the ledger's check names it."""
    try:
        yield
    except Exception as error:
        if not is_damage(error):
            raise
        what = f"the catalog's rows cannot all be read, and files were checked up to there ({type(error).__name__})"
        problems.append(Problem(None, what, RESTORE))


class _Inspector:
    """Compares takes with their files. A blob that several takes share is read once, as long as it is remembered."""

    def __init__(self, home: Path, store: FolderStore) -> None:
        self._home = home
        self._store = store
        self._checked: dict[tuple[str, int, str | None], str | None] = {}

    def problems(self, take: TakeRow) -> Iterator[Problem]:
        if fault := _record_fault(take):
            yield Problem(take.id, fault, RENDER_AGAIN)
        for asset in take.assets:
            fault = self.blob_fault(asset) or self._tree_fault(asset)
            if fault:
                yield Problem(take.id, f"{asset.role} ({asset.path}): {fault}", RENDER_AGAIN)

    def sounds(self, take: TakeRow) -> bool:
        """Whether the record and the blobs of a take are whole, whatever became of its tree."""
        return _record_fault(take) is None and not any(self.blob_fault(asset) for asset in take.assets)

    def blob_fault(self, asset: AssetRow) -> str | None:
        key = (asset.sha256, asset.bytes, asset.pcm_sha256)
        if key not in self._checked:
            if len(self._checked) >= REMEMBERED_BLOBS:
                self._checked.clear()
            self._checked[key] = _blob_fault(asset, self._store)
        return self._checked[key]

    def _tree_fault(self, asset: AssetRow) -> str | None:
        path = self._home / asset.path
        try:
            if not path.is_file():
                return "the file is missing from the readable tree"
            if path.samefile(self._store.path(asset.sha256)):
                return None
            with path.open("rb") as file:
                return None if digest(file).sha256 == asset.sha256 else "the file in the readable tree was changed"
        except OSError as error:
            return f"the file in the readable tree cannot be read ({error.strerror})"


def _record_fault(take: TakeRow) -> str | None:
    mixes = [asset.pcm_sha256 for asset in take.assets if asset.role == "mix" and asset.pcm_sha256]
    if take.pcm_sha256 is None:
        return "the take is done, but no PCM is recorded"
    if take.pcm_sha256 not in mixes or set(mixes) != {take.pcm_sha256}:
        return f"the take records PCM {take.pcm_sha256}, its master {', '.join(mixes) or 'none'}"
    return None


def _blob_fault(asset: AssetRow, store: FolderStore) -> str | None:
    try:
        with store.open(asset.sha256) as file:
            found = digest(file)
    except BlobMissingError:
        return f"blob {asset.sha256} is missing"
    except OSError as error:
        return f"blob {asset.sha256} cannot be read ({error.strerror})"
    if found.sha256 != asset.sha256 or found.bytes != asset.bytes:
        return f"blob {asset.sha256} was changed: its bytes hash to {found.sha256}"
    if asset.pcm_sha256 is not None:
        from services.mastering.encode import decoded_pcm_sha256
        from services.mastering.errors import MasteringError

        try:
            decoded = decoded_pcm_sha256(store.path(asset.sha256))
        except MasteringError as error:
            return f"blob {asset.sha256} does not decode: {error}"
        if decoded != asset.pcm_sha256:
            return f"blob {asset.sha256} does not decode to the PCM that is recorded"
    return None


def repair(engine: Engine, home: Path, store: FolderStore, found: Verification) -> int:
    """Put tree files back where their blobs are whole; plan the other broken takes again. Returns how many of those.

    Raises CatalogBusyError when a driver works on a catalog with broken takes.
    """
    broken = _broken_takes(engine, sorted({problem.take for problem in found.problems if problem.take}))
    inspector, again = _Inspector(home, store), list[str]()
    with ExitStack() as locks:
        for catalog in sorted({take.catalog for take in broken}):
            locks.enter_context(catalog_lock(home, engine, catalog))
        for take in broken:
            if not inspector.sounds(take):
                again.append(take.id)
                continue
            for asset in take.assets:
                link(store.path(asset.sha256), home / asset.path)
        with writing(engine) as session:
            begin(session)  # so that the ledger holds what these takes had
            entries = plan_again_entries(session, again, "its sound is missing or damaged")
            plan_again(session, again)
            append(session, entries)
    return len(again)


def _broken_takes(engine: Engine, ids: list[str]) -> list[TakeRow]:
    with reading(engine) as session:
        return [take for part in chunks(ids, 500) for take in take_rows(session, with_ids(part))]


def _unreferenced(engine: Engine, store: FolderStore) -> Iterator[Blob]:
    """Blobs that no asset refers to. Each is asked for after it was seen, so one that is recorded by then counts."""
    for blobs in chunks(store.digests(), 2_000):
        with reading(engine) as session:
            known = referenced_among(session, [blob.sha256 for blob in blobs])
        yield from (blob for blob in blobs if blob.sha256 not in known)


class ForeignStoreError(ValueError):
    """The store holds files, but the database knows of none: most likely it is another home's."""


def collect_garbage(engine: Engine, store: FolderStore, dry_run: bool = False) -> tuple[int, int]:
    """Remove blobs that no asset refers to, and old half-written files. Returns (files, bytes) removed.

    `dry_run` removes nothing and returns what would be. Call it while no run is going on
    (`services.catalog.lock.whole_home`): a take on its way has blobs before it has assets. Raises ForeignStoreError,
    before anything is removed, where the database knows no asset at all and the store holds blobs.
    """
    _check_belongs(engine, store)
    removed = size = 0
    for blob in _unreferenced(engine, store):
        if not dry_run:
            store.delete(blob.sha256)
        removed, size = removed + 1, size + blob.bytes
    return removed + store.sweep(dry_run=dry_run), size


def _check_belongs(engine: Engine, store: FolderStore) -> None:
    with reading(engine) as session:
        known = knows_assets(session)
    if not known and next(store.digests(), None) is not None:
        what = f"{store.root} holds files, but the database knows of none of them, so nothing was removed"
        remedy = "check CUEWORKS_HOME and CUEWORKS_DATABASE_URL; if they are right, let one take come out first"
        raise ForeignStoreError(f"{what}; {remedy}")


@dataclass(frozen=True)
class Reproduction:
    """A take rendered once more. `identical` is None where it cannot be tried; `note` says why, or what differs."""

    take: str
    identical: bool | None
    pcm_sha256: str | None
    recorded_pcm_sha256: str | None
    note: str


def reproduce(
    engine: Engine, takes: list[TakeRow], known: KnownGenerators, workshop_for: Callable[[Card], Workshop]
) -> Iterator[Reproduction]:
    """Render takes again in this process, in a scratch folder, and compare PCM; nothing recorded changes.

    Every take in the revision, on the kind of device and in the batch shape that are recorded of it."""
    with tempfile.TemporaryDirectory(prefix="cueworks-reproduce-") as scratch, ExitStack() as opened:
        executors: dict[tuple[str, str, Place], InProcessExecutor] = {}
        for take in takes:
            try:
                workshop = replace(_workshop(engine, take, known, workshop_for), home=Path(scratch))
                key = (take.generator, take.revision, workshop.place)
                if key not in executors:
                    opened.close()  # one at a time: two may not fit
                    executors = {key: opened.enter_context(closing(InProcessExecutor(workshop)))}
                (recording,) = executors[key].run([job(take)])
            except (ObstacleError, RenderingStoppedError) as error:
                yield Reproduction(take.id, None, None, take.pcm_sha256, str(error))
                continue
            yield _compared(engine, take, recording)


class ObstacleError(ValueError):
    """A take cannot be rendered again here; the message says what it needs."""


def _workshop(
    engine: Engine, take: TakeRow, known: KnownGenerators, workshop_for: Callable[[Card], Workshop]
) -> Workshop:
    """The workshop that made the take, as far as it is recorded. Raises ObstacleError."""
    if take.pcm_sha256 is None:
        raise ObstacleError(f"has no sound yet (status {take.status}); generate it first")
    card = known.card_of(take.generator, take.revision)
    told = known.obstacle(take.generator, take.revision)
    if card is None or told:
        raise ObstacleError(told or f"needs revision {take.revision} of {take.generator}")
    with reading(engine) as session:
        profile = take_profile(session, take.id)
    recorded = (profile or {}).get("generator", {})
    device = recorded.get("device", "cpu")
    if device == "cuda" and not cuda_devices():
        gpu = recorded.get("gpu", "a GPU")
        raise ObstacleError(f"needs the engine profile it was made on: cuda ({gpu}); there is no such device here")
    workshop = workshop_for(card)
    try:
        place = card.place(device)
    except NoPlaceError as error:
        raise ObstacleError(f"needs the engine profile it was made on: {error}") from None
    threads = recorded.get("threads", place.resources.threads)
    workshop = replace(workshop, place=replace(place, resources=replace(place.resources, threads=threads)))
    return workshop.resized(recorded.get("batch", workshop.batch_size)) if card.options else workshop


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
