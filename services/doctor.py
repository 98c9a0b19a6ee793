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

from models.registry import Card
from services.rendering.crews import most_actors
from services.rendering.machine import Machine, cuda_build, cuda_devices, has_driver, processors, this_machine
from services.settings import SettingError, Settings

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
    return [
        *_machine(settings),
        *(_library(name) for name in LIBRARIES),
        _home(settings),
        _database(settings),
        *_generators(settings),
    ]


def _machine(settings: Settings) -> Iterator[Finding]:
    right = sys.version_info >= (3, 11)
    yield Finding("python", right, platform.python_version(), "" if right else "install Python 3.11 or newer")
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    enough = pages >= 3 << 30
    yield Finding("processors", True, f"{processors()} usable")
    remedy = "" if enough else "3 GiB are needed for Ray and two actors"
    yield Finding("memory", enough, f"{pages / 2**30:.1f} GiB", remedy)
    yield _devices(settings)
    build = f"CUDA {cuda_build()}" if cuda_build() else "processors only"
    yield Finding("torch build", True, build)


def _devices(settings: Settings) -> Finding:
    """The CUDA devices that can be used; that there are none is a fault only where the settings ask for one."""
    found = _try("gpu", _named_devices, "set CUEWORKS_DEVICE=cpu, or mend the driver of the device")
    wanted = settings.device == "cuda" and not settings.joins
    if found.ok and wanted and not cuda_devices():
        return Finding("gpu", False, f"CUEWORKS_DEVICE=cuda, but {found.found}", "set CUEWORKS_DEVICE to auto or cpu")
    return found


def _named_devices() -> str:
    if not cuda_devices():
        if has_driver() and cuda_build() is None:
            return "none used: there is an NVIDIA device, but torch is built for processors only"
        return "none (CPU only)"
    import torch

    told = []
    for number in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(number)
        told.append(f"{torch.cuda.get_device_name(number)}, {free / 2**30:.1f} of {total / 2**30:.1f} GiB free")
    return "; ".join(told)


def _generators(settings: Settings) -> Iterator[Finding]:
    """Every generator that an order may name: whether its files are there, and whether it fits this machine."""
    try:
        known = settings.known_generators()
    except Exception:
        return  # the database's own finding tells
    machine = this_machine(any(card.cuda is not None for card in known.values()))
    for name, card in known.items():
        if said := known.obstacle(name):
            what, _, remedy = said.partition("; ")
            yield Finding(f"generator {name}", False, what, remedy)
            continue
        yield _fit(settings, card, machine)


def _fit(settings: Settings, card: Card, machine: Machine) -> Finding:
    """Where a generator would run here, and how many of it at once."""
    name = f"generator {card.id}"
    try:
        shop = settings.workshop(card, machine.devices)
    except SettingError as error:
        what, _, remedy = str(error).partition("; ")
        return Finding(name, False, what, remedy)
    needs = shop.resources
    what = f"{shop.place.device}, batch {shop.batch_size}, {needs.memory_mb:,} MiB"
    if needs.memory_mb > machine.free_mb:
        return Finding(name, False, f"{what} needed, {machine.free_mb:,.0f} MiB free", shop.memory_remedy)
    share = f" and {needs.gpus:g} GPU with {needs.gpu_memory_mb:,} MiB" if needs.gpus else ""
    return Finding(name, True, f"{what}{share} a worker; {settings.actors or most_actors(shop, machine)} at once")


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
