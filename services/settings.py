"""The one place where settings become objects: home, database, store, workshop, executor.

Everything else is handed what it needs. Reading settings opens nothing; `open_*` does.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from db.urls import DatabaseUrlError, database_name, database_url, sqlite_url
from services.rendering.machine import Machine, this_machine
from services.storage.folder import FolderStore

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.exc import DatabaseError

    from models.generator import Place
    from models.registry import Card
    from services.generators.known import KnownGenerators
    from services.provenance.checkpoints import SignedTree
    from services.provenance.ledger import LedgerVerification
    from services.rendering.crews import Crew, Crews
    from services.rendering.jobs import Executor, Workshop
    from services.rights.register import Register

DEFAULT_HOME = "catalog"
MOST_DIGITS = 12
MOST_BATCH = 1024
ACTORS_ELSEWHERE = 8  # for cutting shards before a cluster was asked
DEVICES = ("auto", "cpu", "cuda")
UPGRADE = "run `cueworks db upgrade`"
DATABASE = "cueworks.db"
COPY = "copy the home to where it can be written, and read it there"


class SettingError(ValueError):
    """A setting has a value that cannot be used; the message names the variable and what it may be."""


@dataclass(frozen=True)
class Settings:
    """What the environment says. `actors` None means as many generator actors as processors and memory (or devices)
    hold; `device` is `auto`, `cpu` or `cuda`; `batch` None leaves every generator the batch that is pinned on its card.

    `keys` is the folder of private keys, outside the home so that a copied home holds none; `checkpoints` further
    folders that signed checkpoints go to; `names` further lists for the prompt guard."""

    home: Path
    database_url: str
    embedded: bool
    cache_dir: Path
    ray_address: str | None = None
    executor: str = "ray"
    actors: int | None = None
    max_takes: int = 1_000_000
    keys: Path = Path("~/.config/cueworks/keys")
    checkpoints: tuple[Path, ...] = ()
    names: tuple[Path, ...] = ()
    device: str = "auto"
    batch: int | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Raises SettingError naming the variable whose value cannot be used."""
        home = _path("CUEWORKS_HOME", environment.get("CUEWORKS_HOME") or DEFAULT_HOME)
        url = environment.get("CUEWORKS_DATABASE_URL") or None
        store = environment.get("CUEWORKS_STORE_URL")
        if store:
            raise SettingError(f"CUEWORKS_STORE_URL={store!r}: only the home's own folder is supported; unset it")
        executor = environment.get("CUEWORKS_EXECUTOR") or "ray"
        return cls(
            home=home,
            database_url=_database_url(url, home),
            embedded=url is None,
            cache_dir=_cache_dir(environment),
            ray_address=environment.get("CUEWORKS_RAY_ADDRESS") or None,
            executor=_executor(executor, "CUEWORKS_EXECUTOR"),
            actors=_count(environment, "CUEWORKS_ACTORS"),
            max_takes=_count(environment, "CUEWORKS_MAX_TAKES") or 1_000_000,
            keys=_keys(environment),
            checkpoints=_paths(environment, "CUEWORKS_CHECKPOINTS"),
            names=_paths(environment, "CUEWORKS_NAMES"),
            device=_device(environment.get("CUEWORKS_DEVICE") or "auto"),
            batch=_batch(environment),
        )

    def with_options(self, actors: int | None = None, executor: str | None = None) -> "Settings":
        """These settings with the command line's own choices."""
        chosen = _executor(executor, "--executor") if executor else self.executor
        return replace(self, actors=actors or self.actors, executor=chosen)

    def open_store(self) -> FolderStore:
        return FolderStore(self.home / "blobs")

    def open_database(self) -> "Engine":
        """The database. The embedded one is made and brought to this release's schema; another must be there.

        Raises SettingError where it is damaged, out of reach, or its schema is not this release's; a full disk and a
        locked database raise SQLAlchemy's own error."""
        from sqlalchemy.exc import DatabaseError

        from db.migrate import HEAD, ForeignSchemaError, current_revision, upgrade

        if self.embedded:
            self.home.mkdir(parents=True, exist_ok=True)
        engine, name = self.connect(), database_name(self.database_url)
        try:
            at = upgrade(engine)[1] if self.embedded else current_revision(engine)
        except ForeignSchemaError as error:
            raise SettingError(f"{name}: {error}") from None
        except DatabaseError as error:
            if _passes(error):
                raise
            raise SettingError(f"{name}: {_database_fault(error)}") from error
        if at != HEAD:
            raise SettingError(f"{name}: its schema is {at or 'empty'}, this release needs {HEAD}; {UPGRADE}")
        return engine

    def open_for_reading(self) -> "Engine":
        """The database; where the embedded one was never made, an empty one in memory: reading leaves no file.

        A home on read-only media is read as it lies. Raises SettingError as `open_database`."""
        if self._is_unwritable():
            return self._open_unwritable()
        if not self.embedded or (self.home / DATABASE).exists():
            return self.open_database()
        from sqlalchemy import StaticPool, create_engine

        from db.migrate import upgrade

        engine = create_engine("sqlite+pysqlite://", poolclass=StaticPool)
        upgrade(engine)
        return engine

    def _is_unwritable(self) -> bool:
        return self.embedded and (self.home / DATABASE).exists() and not os.access(self.home, os.W_OK)

    def _open_unwritable(self) -> "Engine":
        from db.migrate import HEAD, current_revision

        engine, database = self.connect(), self.home / DATABASE
        if (at := current_revision(engine)) != HEAD:
            what = f"{database}: its schema is {at or 'empty'}, this release needs {HEAD}, and it cannot be written"
            raise SettingError(f"{what}; {COPY}")
        return engine

    def read_register(self) -> "Register":
        """The licence facts, with this release's; writes nothing, also where there is no database yet.

        Raises SettingError where the database is damaged or out of reach."""
        from services.rights.register import Register, read_register

        if self.embedded and not (self.home / DATABASE).exists():
            return Register(()).with_seed()
        if self._is_of_this_release():
            return read_register(self.connect())
        return Register(()).with_seed()  # an older schema holds no facts; the command that writes brings it up to date

    def known_generators(self) -> "KnownGenerators":
        """The built-in generators and the registered ones; writes nothing, also where there is no database yet.

        Raises SettingError where the database is damaged or out of reach."""
        from db.engine import reading
        from db.registrations import registrations
        from services.generators.known import KnownGenerators

        if (self.embedded and not (self.home / DATABASE).exists()) or not self._is_of_this_release():
            return KnownGenerators()  # nothing is registered in an older schema
        with reading(self.connect()) as session:
            return KnownGenerators(registrations(session))

    def _is_of_this_release(self) -> bool:
        from sqlalchemy.exc import DatabaseError

        from db.migrate import HEAD, current_revision

        try:
            return current_revision(self.connect()) == HEAD
        except DatabaseError:
            self.open_database()  # tells what is wrong
            raise

    def check_ledger(self, engine: "Engine") -> None:
        """Before work, not after it: there is a key to sign with, and the ledger goes on from what was signed.

        Raises UnusableKeyError, LedgerBrokenError; OSError where the folder of keys cannot be written."""
        from services.provenance.checkpoints import check_follows, checkpoint_folders
        from services.provenance.keys import KeyFolder

        check_follows(engine, KeyFolder(self.keys), checkpoint_folders(self.home, self.checkpoints))

    def sign_checkpoint(self, engine: "Engine") -> "SignedTree | None":
        """Sign the ledger as it is now and export the checkpoint; None where nothing is on record.

        Raises LedgerBrokenError where the ledger does not continue what was signed before."""
        from services.provenance.checkpoints import checkpoint, checkpoint_folders
        from services.provenance.keys import KeyFolder

        return checkpoint(engine, KeyFolder(self.keys), checkpoint_folders(self.home, self.checkpoints))

    def verify_ledger(self, engine: "Engine", progress: Callable[[int], None]) -> "LedgerVerification":
        """Hold ledger, checkpoints and recorded rows against each other; `progress` is told of entries."""
        from services.provenance.checkpoints import checkpoint_folders
        from services.provenance.keys import KeyFolder
        from services.provenance.ledger import verify_ledger

        folders = checkpoint_folders(self.home, self.checkpoints)
        return verify_ledger(engine, KeyFolder(self.keys).public_keys(), folders, progress)

    def connect(self) -> "Engine":
        """An engine for the database as it is; connects to nothing yet. Raises SettingError where it lies on
        read-only media and its last changes are not in it."""
        from db.engine import open_engine, open_unwritable

        if not self._is_unwritable():
            return open_engine(self.database_url)
        log = self.home / f"{DATABASE}-wal"
        if log.exists() and log.stat().st_size:
            what = f"{self.home / DATABASE}: cannot be written, and {log.name} holds what is not in it yet"
            raise SettingError(f"{what}; {COPY}")
        return open_unwritable(self.home / DATABASE)

    @property
    def joins(self) -> bool:
        """Whether rendering is done on a cluster that is there, not on this machine."""
        return self.executor == "ray" and self.ray_address is not None

    def machine(self, cards: Iterable["Card"]) -> Machine:
        """What there is to render these on: of the cluster, which is joined for it, where the settings name one.

        Raises RenderingStoppedError where that cluster is not there."""
        if not self.joins:
            return this_machine(any(card.cuda is not None for card in cards))
        from services.rendering.ray_cluster import Cluster, connect, offered

        connect(Cluster(self.ray_address))
        return offered()

    def place(self, card: "Card", devices: float) -> "Place":
        """Where the generator of `card` is set up, given how many CUDA devices there are.

        A generator that knows no GPU is set up on processors whatever the settings say. Raises SettingError where a GPU
        is asked for and there is none."""
        if card.cuda is None or self.device == "cpu" or (self.device == "auto" and not devices):
            return card.place("cpu")
        if not devices:
            what = f"CUEWORKS_DEVICE=cuda: {card.id} would run on a GPU, and there is none here that can be used"
            raise SettingError(f"{what}; set it to auto or cpu, and see `cueworks doctor`")
        return card.place("cuda")

    def workshop(self, card: "Card", devices: float | None = None) -> "Workshop":
        """How workers for the generator of `card` are built; `devices` None: those of this machine.

        Raises SettingError as `place`."""
        from services.rendering.jobs import Workshop

        if devices is None:
            devices = this_machine().devices if card.cuda is not None else 0
        shop = Workshop.of(card, self.place(card, devices), self.home, self.cache_dir)
        return shop.resized(self.batch) if self.batch and card.options else shop

    def bare_workshop(self, card: "Card") -> "Workshop":
        """The workshop of a generator on processors, as its card says, whatever device and batch are set: where
        another place is recorded of a take, that one is put in."""
        from services.rendering.jobs import Workshop

        return Workshop.of(card, card.place("cpu"), self.home, self.cache_dir)

    def takes_at_once(self, cards: Iterable["Card"]) -> dict[str, tuple[int, int]]:
        """(batch, actors) by generator, before anything is started or joined; of a cluster, a guess.

        Raises SettingError as `place`."""
        from services.rendering.crews import most_actors

        cards = list(cards)
        machine = this_machine(not self.joins and any(card.cuda is not None for card in cards))
        found: dict[str, tuple[int, int]] = {}
        for card in cards:
            shop = self.workshop(card, 1 if self.joins else machine.devices)
            guessed = ACTORS_ELSEWHERE if self.joins else most_actors(shop, machine)
            actors = 1 if self.executor == "in-process" else self.actors or guessed
            found[card.id] = (shop.batch_size, actors)
        return found

    def open_crews(self, cards: Iterable["Card"]) -> "Crews":
        """The workers of a run, for every generator that it needs; starts or joins Ray where the settings ask for it.

        Raises SettingError as `place`, RenderingStoppedError where the named cluster is not there."""
        from services.rendering.crews import Crews, line_up

        cards = list(cards)
        machine = self.machine(cards)
        shops = [self.workshop(card, machine.devices) for card in cards]
        if self.executor == "in-process":
            from services.rendering.in_process import InProcessExecutor

            alone = replace(line_up(shops, machine, 1), lanes=(tuple(shop.generator for shop in shops),))
            return Crews(alone, lambda crew: InProcessExecutor(crew.workshop))
        from services.rendering.ray_cluster import Cluster, Session
        from services.rendering.ray_pool import RayExecutor

        line = line_up(shops, machine, self.actors)
        session = Session(Cluster(self.ray_address, cpus=None if self.ray_address else max(1.0, line.cpus)))

        def open_executor(crew: "Crew") -> "Executor":
            return RayExecutor(crew.workshop, crew.actors, crew.finishers, session)

        return Crews(line, open_executor, session)


def _cache_dir(environment: Mapping[str, str]) -> Path:
    if named := environment.get("CUEWORKS_CACHE"):
        return _path("CUEWORKS_CACHE", named)
    return _path("XDG_CACHE_HOME", environment.get("XDG_CACHE_HOME") or "~/.cache") / "cueworks"


def _keys(environment: Mapping[str, str]) -> Path:
    if named := environment.get("CUEWORKS_KEYS"):
        return _path("CUEWORKS_KEYS", named)
    return _path("XDG_CONFIG_HOME", environment.get("XDG_CONFIG_HOME") or "~/.config") / "cueworks" / "keys"


def _paths(environment: Mapping[str, str], variable: str) -> tuple[Path, ...]:
    """Paths joined as in PATH."""
    return tuple(_path(variable, text) for text in environment.get(variable, "").split(os.pathsep) if text)


def _path(variable: str, text: str) -> Path:
    try:
        return Path(text).expanduser().resolve()
    except (RuntimeError, ValueError, OSError) as error:
        raise SettingError(f"{variable}={text!r}: {error}; write the path of a folder") from None


def _database_url(url: str | None, home: Path) -> str:
    try:
        if url is None:
            return sqlite_url(home / DATABASE)
        database_url(url)
    except DatabaseUrlError as error:
        raise SettingError(f"{'CUEWORKS_DATABASE_URL' if url else 'CUEWORKS_HOME'}: {error}") from None
    return url


def _passes(error: "DatabaseError") -> bool:
    """Whether the same command may work later, with nothing set otherwise."""
    return any(word in str(error.orig) for word in ("is full", "locked", "No space left"))


def _database_fault(error: "DatabaseError") -> str:
    reason = str(error.orig).strip().splitlines()[0]
    if "not a database" in reason or "malformed" in reason:
        return f"damaged, or no database of Cueworks ({reason}); restore it from a backup, or move it away"
    return f"cannot be used ({reason}); check CUEWORKS_HOME and CUEWORKS_DATABASE_URL"


def _executor(name: str, where: str) -> str:
    if name not in ("ray", "in-process"):
        raise SettingError(f"{where}: {name!r} is no executor; use ray or in-process")
    return name


def _device(name: str) -> str:
    if name not in DEVICES:
        raise SettingError(
            f"CUEWORKS_DEVICE={name!r} is no kind of device; use {', '.join(DEVICES[:-1])} or {DEVICES[-1]}"
        )
    return name


def _batch(environment: Mapping[str, str]) -> int | None:
    size = _count(environment, "CUEWORKS_BATCH")
    if size is not None and size > MOST_BATCH:
        raise SettingError(f"CUEWORKS_BATCH={size}: at most {MOST_BATCH} takes are computed at once")
    return size


def _count(environment: Mapping[str, str], name: str) -> int | None:
    text = environment.get(name)
    if not text:
        return None
    if not text.isdecimal() or len(text) > MOST_DIGITS or int(text) < 1:
        raise SettingError(f"{name}={text!r}: use a whole number from 1")
    return int(text)
