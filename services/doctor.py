"""Is this machine fit to render? A list of findings, each with a remedy; leaves nothing behind."""

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version

from services.rendering.machine import processors
from services.settings import Settings

MIN_FREE_BYTES = 2 << 30
LIBRARIES = (
    "torch", "torchaudio", "symusic", "soundfile", "pyloudnorm", "scipy", "ray", "prefect", "pyarrow", "pandas",
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One check: `remedy` is empty when `ok`."""

    name: str
    ok: bool
    found: str
    remedy: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Every check, in order; a check that breaks is a finding, not an error."""
    return [*_machine(), *(_library(name) for name in LIBRARIES), _home(settings), _database(settings)]


def _machine() -> Iterator[Finding]:
    right = sys.version_info >= (3, 11)
    yield Finding("python", right, platform.python_version(), "" if right else "install Python 3.11 or newer")
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    enough = pages >= 3 << 30
    yield Finding("processors", True, f"{processors()} usable")
    remedy = "" if enough else "3 GiB are needed for Ray and two actors"
    yield Finding("memory", enough, f"{pages / 2**30:.1f} GiB", remedy)
    yield _try("gpu", _gpus, "none is needed for the composer")


def _gpus() -> str:
    import torch

    count = torch.cuda.device_count()
    return ", ".join(torch.cuda.get_device_name(n) for n in range(count)) or "none (CPU only)"


def _library(name: str) -> Finding:
    def load() -> str:
        import_module(name)
        return version(name)

    return _try(name, load, "create the environment anew: `make clean-env env`")


def _home(settings: Settings) -> Finding:
    def probe() -> str:
        place = next(folder for folder in (settings.home, *settings.home.parents) if folder.exists())
        with tempfile.TemporaryFile(dir=place):
            free = shutil.disk_usage(place).free
        if free < MIN_FREE_BYTES:
            raise OSError(f"only {free / 2**30:.1f} GiB free in {settings.home}")
        return f"{settings.home}, {free / 2**30:.0f} GiB free"

    return _try("home", probe, "set CUEWORKS_HOME to a writable folder with space")


def _database(settings: Settings) -> Finding:
    def probe() -> str:
        from db.migrate import HEAD, current_revision

        engine = settings.open_for_reading()
        at = current_revision(engine)
        if at != HEAD:
            raise RuntimeError(f"schema {at or 'empty'}, this release needs {HEAD}")
        return f"{engine.dialect.name}, schema {at}"

    return _try("database", probe, "run `cueworks db upgrade`; check CUEWORKS_DATABASE_URL")


def _try(name: str, probe: Callable[[], str], remedy: str) -> Finding:
    try:
        return Finding(name, True, probe())
    except Exception as error:
        return Finding(name, False, f"{type(error).__name__}: {error}".splitlines()[0], remedy)
