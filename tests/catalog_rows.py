"""Orders, takes and recordings as the database gets them, made up: no planning, no sound."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from db.engine import writing
from db.orders import register
from db.rows import (
    NewAsset,
    NewAttempt,
    NewCue,
    NewGenerator,
    NewOrder,
    NewTake,
    Profile,
    Recording,
    Registered,
)
from db.runs import record, start_run
from models.controls import Controls, Theme

BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CONTROLS = json.loads(json.dumps(Controls(
    state="combat", genre="orchestral", mood="tense", bpm=144.0, key="D minor", meter="4/4",
    instruments=("strings", "taiko"), excluded=(), bars=8, duration=13.333, form="loop", intensity=4, loop=True,
    theme=Theme(seed=7, notes=((0.0, 1.0, 62),)),
).as_json()))  # fmt: skip
DELIVERY = {"formats": ["flac", "ogg"], "sample_rate": 48000, "loudness": -23.0, "stems": False}


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def new_take(number: int, position: int | None = None, **changed: Any) -> NewTake:
    """The take `number`; its id depends on the number alone."""
    id_ = changed.pop("id", sha(f"take {number}"))
    values: dict[str, Any] = {
        "zone": "forest", "cue": "combat", "state": "combat", "point": {"time": "night"}, "index": number,
        "prompt": f"dark drums {number}", "seed": 2**53 - 1 - number, "generator": "empty", "revision": "1",
        "controls": CONTROLS, "delivery": DELIVERY, "understanding": [{"field": "bpm", "value": "144"}],
        "folder": f"game/combat/forest-{number:03d}-{id_[:16]}",
    }  # fmt: skip
    return NewTake(id=id_, position=number if position is None else position, **(values | changed))


def new_order(brief: str = "brief", restricted: bool = False, **changed: Any) -> NewOrder:
    values: dict[str, Any] = {
        "catalog": "game", "title": "The Game", "use": "internal-prototype", "licensee": {"kind": "individual"},
        "cues": (NewCue("combat", "combat", "dark drums"),),
        "generators": (NewGenerator("empty", "1", None, {"title": "makes nothing"}),),
    }  # fmt: skip
    text = brief.encode()
    return NewOrder(brief_sha256=sha(brief), brief_text=text, restricted=restricted, **(values | changed))


def order_takes(engine: Engine, takes: Iterable[NewTake], order: NewOrder | None = None) -> Registered:
    """Register in a transaction of its own."""
    with writing(engine) as session:
        return register(session, order or new_order(), takes)


def open_run(engine: Engine, registered: Registered, shards: list[list[str]], id_: str = "run-1") -> str:
    takes = sum(map(len, shards))
    values = {
        "id": id_, "catalog_id": registered.catalog_id, "brief_id": registered.brief_id, "driver": "process 1 on here",
        "options": {"only": "combat"}, "ordered": takes, "to_render": takes,
    }  # fmt: skip
    with writing(engine) as session:
        start_run(session, values, shards)
    return id_


def attempt(outcome: str = "done", after_s: float = 0.0, error: str | None = None) -> NewAttempt:
    started = BEGAN + timedelta(seconds=after_s)
    return NewAttempt(outcome, started, started + timedelta(seconds=1.5), "actor-0@here", {"generate": 1.5}, error)


def done(take_id: str, sound: str = "sound", **changed: Any) -> Recording:
    """A take that came out: a mix in two formats, a measurement, a profile."""
    pcm = sha(f"{sound} {take_id}")
    assets = tuple(
        NewAsset("mix", media_type, sha(f"{media_type} {pcm}"), 1000, f"game/{take_id[:16]}/mix.{end}", 13.333, digest)
        for media_type, end, digest in (("audio/flac", "flac", pcm), ("audio/ogg", "ogg", None))
    )
    values: dict[str, Any] = {
        "attempts": (attempt(),), "assets": assets, "measurements": {"integrated_lufs": -23.0, "true_peak_dbtp": -1.5},
        "pcm_sha256": pcm, "profile": Profile(sha("profile"), {"threads": 1}),
    }  # fmt: skip
    return Recording(take_id, "done", **(values | changed))


def failed(take_id: str, error: str = "ValueError: no", after_s: float = 0.0) -> Recording:
    return Recording(take_id, "failed", (attempt("failed", after_s, error),), error=error)


def record_takes(engine: Engine, run_id: str, recordings: list[Recording]) -> None:
    """Record in a transaction of its own."""
    with writing(engine) as session:
        record(session, run_id, recordings)


def numbered(count: int) -> Iterator[NewTake]:
    return (new_take(number) for number in range(count))
