"""What a training run was asked for, as a file in its folder, and where everything of a run lies.

A run's id is the SHA-256 of its order: the takes with the digests of their files, the configuration, the seed, what the
code that trains means, and the versions of the libraries below it. The same command on the same takes therefore finds
the same folder and goes on there;
anything else begins a run of its own. Nothing here trains or reads a database.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from db.canonical import canonical, digest
from services.storage.whole import whole_file
from services.training.errors import OtherFilesError
from services.training.presets import Preset, preset_of

ORDER = "order.json"


@dataclass(frozen=True)
class Item:
    """A take to train on. `sha256` is the stored file that is read, `loop` whether its end leads to its beginning;
    `alone` and `beside` are its caption's fields without and with its prompt (see `captions`), `zone`, `cue` and
    `point` say what it was ordered for (see `splitting`)."""

    take: str
    catalog: str
    state: str
    loop: bool
    sha256: str
    media_type: str
    pcm_sha256: str
    prompt: str
    seed: int
    controls: Mapping[str, Any]
    alone: tuple[tuple[str, str], ...]
    beside: tuple[tuple[str, str], ...]
    zone: str | None
    cue: str
    point: Mapping[str, str]


@dataclass(frozen=True)
class Order:
    """A whole order. `minutes` 0: the preset's steps are taken. `device` is cpu or cuda, `workers` how many of them.

    `blobs` is the folder of stored files; neither it nor what is known beside (`licences`, `materials`,
    `left_out`, `by`, `out`) is part of the id."""

    name: str
    catalogs: tuple[str, ...]
    preset: Preset
    seed: int
    minutes: float
    device: str
    workers: int
    code: Mapping[str, Any]
    items: tuple[Item, ...]
    blobs: str = ""
    out: str = ""
    by: str = ""
    licences: tuple[Mapping[str, Any], ...] = ()
    materials: tuple[Mapping[str, Any], ...] = ()
    left_out: tuple[Mapping[str, Any], ...] = ()
    started_at: str = ""

    @property
    def id(self) -> str:
        """SHA-256, hex."""
        items = [[item.take, item.sha256, item.prompt, [*map(list, item.alone)], item.zone, item.cue, dict(item.point)]
                 for item in self.items]  # fmt: skip
        code = {name: self.code[name] for name in ("source_sha256", "libraries")}
        return digest({"config": self.config(), "code": _plain(code), "items": items})

    def config(self) -> dict[str, Any]:
        """What was chosen, as plain JSON."""
        return {
            "name": self.name, "catalogs": list(self.catalogs), "preset": _plain(self.preset.as_json()),
            "seed": self.seed, "minutes": self.minutes, "device": self.device, "workers": self.workers,
        }  # fmt: skip


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


def write_order(folder: Path, order: Order) -> None:
    """Put the order into its folder, unless it is there: what was asked first stays."""
    if not (folder / ORDER).exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / ORDER, {**asdict(order), "preset": order.preset.as_json()})


def read_order(folder: Path) -> Order:
    """The order of a run's folder. Raises OtherFilesError where its content is not what the folder is named after."""
    told = json.loads((folder / ORDER).read_text(encoding="utf-8"))
    items = tuple(Item(**{**item, "alone": _pairs(item["alone"]), "beside": _pairs(item["beside"])})
                  for item in told["items"])  # fmt: skip
    lists = {name: tuple(told[name]) for name in ("catalogs", "licences", "materials", "left_out")}
    order = Order(**{**told, **lists, "preset": preset_of(told["preset"]), "items": items})
    if not order.id.startswith(folder.name):
        raise OtherFilesError([f"{folder / ORDER}: was changed; remove the folder and run the command again"])
    return order


def _pairs(told: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in told)


def write_json(path: Path, value: Any) -> None:
    """A JSON file, whole or not at all; its folder is there."""
    with whole_file(path) as part:
        part.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """What a JSON file holds; None where there is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def run_folder(home: Path, id_: str) -> Path:
    """Where a run works: below the home, named by its id."""
    return home / "training" / id_[:16]


def canonical_digest(value: Any) -> str:
    """SHA-256 of plain JSON values, written one way."""
    return digest(json.loads(canonical(value)))
