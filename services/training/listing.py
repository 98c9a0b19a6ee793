"""Training runs for people and programs: what each was made of, and which models a take went into. Reads only."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Engine

from db.engine import reading
from db.training import TrainingRow, of_name, of_weights, takes_of, training_rows, with_id_prefix
from db.training_tables import HELD_OUT
from services.planning.faults import shown
from services.training.errors import TrainingError
from services.training.sources import brought
from services.training.splitting import NOTHING

SHORTEST = 4


def training_json(row: TrainingRow) -> dict[str, Any]:
    """A run as plain JSON values."""
    return {**row.as_row(), "started_at": row.started_at.isoformat(), "ended_at": row.ended_at.isoformat()}


def runs(engine: Engine) -> list[TrainingRow]:
    """Every run that ended in a registered model, oldest first."""
    with reading(engine) as session:
        return training_rows(session)


def of_model(engine: Engine, digest: str) -> list[dict[str, Any]]:
    """The runs that made the files with this digest."""
    with reading(engine) as session:
        return [training_json(row) for row in training_rows(session, of_weights(digest))]


def found(engine: Engine, name: str) -> tuple[TrainingRow, list[dict[str, Any]]]:
    """A run, by the beginning of its id or by its model's name (its newest), with every take of it.

    Raises TrainingError where there is none."""
    prefix = name.strip().lower()
    with reading(engine) as session:
        rows = training_rows(session, of_name(name))
        if not rows and len(prefix) >= SHORTEST and not set(prefix) - set("0123456789abcdef"):
            rows = training_rows(session, with_id_prefix(prefix))
            if len(rows) > 1:
                raise TrainingError([f"{len(rows)} runs' ids begin with {shown(name)}; give more digits"])
        if not rows:
            raise TrainingError([f"no training run or trained model {shown(name)}; `cueworks train --list` shows them"])
        return rows[-1], list(takes_of(session, rows[-1].id))


def lines(row: TrainingRow) -> Iterator[tuple[str, str]]:
    """What a person wants to know of a run, a name and a text each."""
    preset = row.config["preset"]
    steps = row.config["steps"]
    yield "run", row.id
    yield "model", f"{row.name} {row.revision}"
    yield "folder", row.folder
    yield "catalogs", ", ".join(row.catalogs)
    yield "takes", f"{row.takes}, manifest SHA-256 {row.manifest_sha256}"
    yield "made by", ", ".join(sorted({f"{each['generator']} {each['revision']}" for each in row.licences}))
    yield "allowed for", ", ".join(each["use"] for each in row.licences if each["answer"].startswith("allowed"))
    if row.config.get("materials"):
        yield "brought along", brought(row.config["materials"])
    yield "licence facts", ", ".join(row.fact_ids)
    yield "preset", f"{preset['name']}, seed {row.config['seed']}, {steps['codec']} + {steps['model']} steps"
    yield "code", f"{row.code['package']} {row.code['commit'][:12]} source {row.code['source_sha256'][:16]}".strip()
    yield "trained by", f"{row.by}, {row.started_at:%Y-%m-%d %H:%M} to {row.ended_at:%Y-%m-%d %H:%M} UTC"
    if row.evaluation["codes"][HELD_OUT] is None:
        yield "held out", NOTHING
    yield "evaluation", _figures(row.evaluation)


def _figures(evaluation: dict[str, Any]) -> str:
    codec, model = evaluation["codec"], evaluation["takes"]["model"]
    held_out = (evaluation["codes"][HELD_OUT] or {}).get("told")
    told = {
        "nats a held-out code": held_out,
        "spectral distance": codec["spectral_distance"], "loudness error (LU)": codec["loudness_error_lu"],
        "accepted": model["accepted"], "on tempo": model["on_tempo"], "states told": model["states_told"],
    }  # fmt: skip
    return ", ".join(f"{name} {value:.2f}" for name, value in told.items() if value is not None)
