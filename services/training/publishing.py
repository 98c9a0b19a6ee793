"""A finished model's folder: put in place whole, and never taken for the run's own where it is not.

What the run made is on record by its digests (`files` of the evaluation). A folder that is there must hold these very
files; only the papers are written anew. Nothing here asks a database.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from services.storage.folder import sync_folder
from services.training.card import CARD, RECORD, write_papers
from services.training.dataset import MANIFEST, file_digest
from services.training.errors import OtherFilesError, TrainingError
from services.training.order import Order, read_json
from services.training.stages import RESULT, STAGES, outcome
from services.training.writing import write_bytes

MOST_NAMED = 5


def checked_out(out: Path, id_: str, run: Path) -> Path:
    """The folder that `out` means, links followed, if the model of the run `id_` in the folder `run` may go there.

    Raises TrainingError where it holds something else, lies in the run's own folder or cannot be written."""
    try:
        place = out.expanduser().resolve()
        _check_place(place, id_, run.resolve())
    except (OSError, RuntimeError) as error:
        said = getattr(error, "strerror", None) or error
        raise TrainingError([f"--out {out}: cannot be used: {said}; name another folder: --out FOLDER"]) from None
    return place


def _check_place(place: Path, id_: str, run: Path) -> None:
    if place == run or run in place.parents or place in run.parents:
        raise TrainingError([f"{place}: the run works in {run}; name another folder: --out FOLDER"])
    if place.exists() and (not place.is_dir() or any(place.iterdir())) and run_of(place) != id_:
        raise TrainingError([f"{place}: is there and holds something else; name another folder: --out FOLDER"])
    above = next(parent for parent in place.parents if parent.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise TrainingError([f"{place}: nothing can be written in {above}; name another folder: --out FOLDER"])


def run_of(folder: Path) -> str | None:
    """The run whose model a folder says it holds."""
    try:
        told = read_json(folder / RECORD)
        return str(told["training"]) if told else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def made_files(run: Path) -> dict[str, str]:
    """SHA-256 of every file of the model that the run in a folder made, but its papers', by name."""
    found: dict[str, str] = (outcome(run, "evaluation") or {}).get("files", {})
    return found


def publish(order: Order, run: Path) -> Path:
    """Put the finished model of the run in the folder `run` where the order says; returns where. A folder that has it
    keeps it, with its papers anew. Raises OtherFilesError where files are not those that the run made."""
    left = {stage: outcome(run, stage) or {} for stage in STAGES}
    left["dataset"]["entries"] = entries(run)
    write_papers(order, run / RESULT, left)
    made = made_files(run)
    _check_files(run / RESULT, made, f"remove {run} and run the same command again: it trains anew")
    out = checked_out(Path(order.out), order.id, run)
    if run_of(out) == order.id:
        _check_files(out, made, "move the folder away and run the same command again: it is made anew")
        for name in (RECORD, CARD):
            write_bytes(out / name, (run / RESULT / name).read_bytes())
        return out
    _put(run / RESULT, out, f".new-{order.id[:16]}")
    return out


def _put(made: Path, out: Path, name: str) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = out.with_name(name)
    shutil.rmtree(beside, ignore_errors=True)
    shutil.copytree(made, beside)
    for path in beside.iterdir():
        path.chmod(0o644)
        with path.open("rb") as file:
            os.fsync(file.fileno())
    if out.exists():
        out.rmdir()
    beside.rename(out)
    sync_folder(out.parent)


def _check_files(folder: Path, made: Mapping[str, str], remedy: str) -> None:
    wrong = [name for name, digest in made.items()
             if not (folder / name).is_file() or file_digest(folder / name) != digest]  # fmt: skip
    if wrong or not made:
        raise OtherFilesError([f"{folder}: {_named(wrong)} not what the run made; {remedy}"])


def check_registered(files: Mapping[str, Mapping[str, Any]], run: Path, out: Path) -> None:
    """Refuse to register other files than the run made. Raises OtherFilesError."""
    made = made_files(run)
    wrong = [name for name, facts in files.items() if made.get(name) != facts["sha256"]]
    if wrong or not files:
        raise OtherFilesError([f"{out}: {_named(wrong)} not what the run made; move the folder away and run again"])


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{', '.join(names[:MOST_NAMED]) or 'its files'}{more} {'is' if len(names) == 1 else 'are'}"


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file in a folder but the papers, by name."""
    names = sorted(path.name for path in folder.iterdir() if path.is_file() and path.name not in (RECORD, CARD))
    return {name: file_digest(folder / name) for name in names}


def entries(run: Path) -> list[dict[str, Any]]:
    """The rows of a run's manifest."""
    from pyarrow import parquet

    rows: list[dict[str, Any]] = parquet.read_table(run / "dataset" / MANIFEST).to_pylist()
    return rows
