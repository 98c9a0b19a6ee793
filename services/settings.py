"""The one place where settings become objects: home, database, store, workshop, executor.

Everything else is handed what it needs. Reading settings opens nothing; `open_*` does.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from db.urls import DatabaseUrlError, database_name, database_url, sqlite_url
from services.storage.folder import FolderStore

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.exc import DatabaseError

    from models.registry import Card
    from services.generators.known import KnownGenerators
    from services.provenance.checkpoints import SignedTree
    from services.provenance.ledger import LedgerVerification
    from services.rendering.jobs import Executor, Workshop
    from services.rights.register import Register

DEFAULT_HOME = "catalog"
MOST_DIGITS = 12
UPGRADE = "run `cueworks db upgrade`"
DATABASE = "cueworks.db"
COPY = "copy the home to where it can be written, and read it there"


class SettingError(ValueError):
    """A setting has a value that cannot be used; the message names the variable and what it may be."""


@dataclass(frozen=True)
class Settings:
    """What the environment says. `actors` None means one generator actor a processor (or GPU).

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

    def workshop(self, card: "Card") -> "Workshop":
        """How workers for the generator of `card` are built."""
        from services.rendering.jobs import Workshop

        return Workshop(card.factory, card.batch_size, card.resources, self.home, self.cache_dir)

    def open_executor(self, workshop: "Workshop") -> "Executor":
        """The executor that the settings ask for; starts Ray when it is the Ray one."""
        if self.executor == "in-process":
            from services.rendering.in_process import InProcessExecutor

            return InProcessExecutor(workshop)
        from services.rendering.ray_cluster import Cluster
        from services.rendering.ray_pool import RayExecutor

        actors = self.actors or self._default_actors(workshop)
        return RayExecutor(workshop, actors, max(1, min(actors, processors())), Cluster(self.ray_address))

    def _default_actors(self, workshop: "Workshop") -> int:
        if workshop.resources.gpus:
            import torch

            return max(1, int(torch.cuda.device_count() / workshop.resources.gpus))
        return max(1, int(processors() / max(workshop.resources.cpus, 0.1)))


def processors() -> int:
    """The processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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


def _count(environment: Mapping[str, str], name: str) -> int | None:
    text = environment.get(name)
    if not text:
        return None
    if not text.isdecimal() or len(text) > MOST_DIGITS or int(text) < 1:
        raise SettingError(f"{name}={text!r}: use a whole number from 1")
    return int(text)
