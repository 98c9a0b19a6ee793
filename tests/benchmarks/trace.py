"""How long `cueworks trace` takes among 100,000 takes: `python -m tests.benchmarks.trace [--takes 100000]`.

The catalog: the example role-playing brief, composed and stored for real, and synthetic takes of 60 s around it, whose
fingerprints are pieces of real ones (5 to 20 s, cut at random). Of the pieces 30 % stay as they are but for 4 % wrong
bits, as a returning theme in the same key; the others are XORed with the difference of two real words, which keeps how
words change in time and how often bits are set, so that the index holds as many alike words as a real one. Asked for: a
crop of 10 s, cut at no round time, out of an MP3 with 64 kbit/s of one of the real takes, by the command itself, in a
process of its own. The index is built by the first trace (printed apart). The last line is `seconds: <number>`: the
slowest trace, without the start of Python.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
from sqlalchemy import insert, select, update

from db.conflict import insert_missing
from db.engine import writing
from db.orders import prompt_sha256
from db.rights_tables import Fingerprint
from db.tables import Asset, Catalog, Cue, Prompt, Take
from services.provenance.fingerprints.extract import ALGORITHM, HOP_S, Words, hear
from services.provenance.fingerprints.ffmpeg import ffmpeg_path
from services.provenance.fingerprints.library import FOLDER
from services.settings import Settings
from services.storage.folder import FolderStore
from tests.benchmarks.composed import Piece, compose, scratch
from tests.benchmarks.machine import describe
from tests.catalog_rows import BEGAN, new_order, new_take, order_takes, sha

SECONDS = 60.0
WORDS = int(SECONDS / HOP_S)
CHUNK = 2000


def synthetic(real: list[Words], count: int) -> Iterator[Words]:
    """Fingerprints of 60 s, made of real ones."""
    rng = np.random.default_rng(7)
    every = np.concatenate(real)
    for _ in range(count):
        parts, length = [], 0
        while length < WORDS:
            source = real[int(rng.integers(len(real)))]
            size = min(int(rng.integers(40, 160)), source.size)
            start = int(rng.integers(0, source.size - size + 1))
            one, other = every[rng.integers(every.size, size=2)]
            mask = np.uint32(0) if rng.random() < 0.3 else one ^ other
            flips = np.packbits(rng.random((size, 32)) < 0.04, axis=1).view(np.uint32).ravel()
            parts.append(source[start : start + size] ^ mask ^ flips)
            length += size
        yield np.concatenate(parts)[:WORDS]


def fill(settings: Settings, pieces: list[Piece], count: int) -> list[tuple[str, Path]]:
    """The catalog; (take id, file) of the real takes."""
    engine, store = settings.open_database(), FolderStore(settings.home / "blobs")
    heard = [hear(piece.path) for piece in pieces]
    takes = [new_take(number) for number in range(len(pieces))]
    order_takes(engine, takes, new_order())
    with writing(engine) as session:
        for take, piece, found in zip(takes, pieces, heard, strict=True):
            blob = store.put(lambda file, path=piece.path: file.write(path.read_bytes()))
            _add(session, [_asset(take.id, found.pcm_sha256, blob.sha256, piece.seconds)],
                 [_fingerprint(found.pcm_sha256, found.fingerprint.words)])  # fmt: skip
        session.execute(update(Take).values(status="done"))
        catalog, cue = session.scalar(select(Catalog.id)), session.scalar(select(Cue.id))
        insert_missing(session, Prompt, ("sha256",), [{"sha256": prompt_sha256("synthetic"), "text": "synthetic"}])
    made = synthetic([found.fingerprint.words for found in heard], count)
    for start in range(0, count, CHUNK):
        numbers = range(start, min(count, start + CHUNK))
        with writing(engine) as session:
            rows = [_take(number, catalog, cue) for number in numbers]
            session.execute(insert(Take), rows)
            names = [(str(row["id"]), sha(f"pcm {row['id']}")) for row in rows]
            _add(session, [_asset(take, pcm, sha(f"file {take}"), SECONDS) for take, pcm in names],
                 [_fingerprint(pcm, next(made)) for _, pcm in names])  # fmt: skip
    return [(take.id, piece.path) for take, piece in zip(takes, pieces, strict=True)]


def _take(number: int, catalog: int | None, cue: int | None) -> dict[str, object]:
    values = asdict(new_take(1000 + number, prompt="synthetic", id=sha(f"synthetic {number}")))
    del values["prompt"]
    known = {"catalog_id": catalog, "cue_id": cue, "prompt_sha256": prompt_sha256("synthetic")}
    return values | known | {"status": "done", "planned_at": BEGAN, "pcm_sha256": None}


def _asset(take: str, pcm_sha256: str, sha256: str, seconds: float) -> dict[str, object]:
    return {"take_id": take, "role": "mix", "media_type": "audio/flac", "sha256": sha256, "bytes": 1,
            "path": "x.flac", "duration_s": seconds, "pcm_sha256": pcm_sha256, "engine_profile": None}  # fmt: skip


def _fingerprint(pcm_sha256: str, words: Words) -> dict[str, object]:
    blob = words.astype("<u4").tobytes()
    return {"pcm_sha256": pcm_sha256, "algorithm": ALGORITHM, "duration_s": SECONDS, "words": blob}


def _add(session: object, assets: list[dict[str, object]], fingerprints: list[dict[str, object]]) -> None:
    session.execute(insert(Asset), assets)  # type: ignore[attr-defined]
    insert_missing(session, Fingerprint, ("pcm_sha256",), fingerprints)  # type: ignore[arg-type]


def timed(command: list[str], home: Path) -> tuple[float, float, str]:
    """(wall seconds, processor's seconds, output) of a command of its own: on a busy machine they differ."""
    environment = {**os.environ, "CUEWORKS_HOME": str(home), "CUEWORKS_KEYS": str(home / "keys")}
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment, check=False)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--takes", type=int, default=100_000)
    parser.add_argument("--crops", type=int, default=10)
    options = parser.parse_args()
    print(describe())
    with scratch() as name:
        home, music = Path(name) / "home", Path(name) / "music"
        music.mkdir()
        pieces = list(compose(music, ("rpg",), (0,)))
        settings = Settings.from_environment({**os.environ, "CUEWORKS_HOME": str(home)})
        began = time.perf_counter()
        real = fill(settings, pieces, options.takes)
        size = (home / "cueworks.db").stat().st_size / 1e6
        print(f"{len(real)} real takes, {options.takes} synthetic ones of {SECONDS:.0f} s in SQLite: {size:.0f} MB, "
              f"{time.perf_counter() - began:.0f} s to make", flush=True)  # fmt: skip
        rng, crops = random.Random(3), []
        for number, (take, path) in enumerate(rng.choices(real, k=options.crops)):
            start = rng.uniform(0, pieces[[p.path for p in pieces].index(path)].seconds - 10.2)
            crops.append((take, start, _crop(path, start, Path(name) / f"{number}.mp3")))
        report(home, crops)


def _crop(path: Path, start: float, target: Path) -> Path:
    """10 s out of the whole take as an MP3."""
    whole = target.with_suffix(".whole.mp3")
    ffmpeg = [ffmpeg_path(), "-v", "error", "-nostdin", "-y"]
    subprocess.run([*ffmpeg, "-i", str(path), "-b:a", "64k", str(whole)], check=True)
    cut = ["-ss", f"{start:.4f}", "-t", "10", "-i", str(whole), "-b:a", "64k", str(target)]
    subprocess.run([*ffmpeg, *cut], check=True)
    return target


def report(home: Path, crops: list[tuple[str, float, Path]]) -> None:
    """Trace every crop; print what came of it."""
    python = min(timed([sys.executable, "-c", "pass"], home)[0] for _ in range(5))
    cueworks = [str(Path(sys.executable).with_name("cueworks")), "trace", "--json"]
    first, _, _ = timed([*cueworks, str(crops[0][2])], home)
    size = sum(file.stat().st_size for file in (home / FOLDER).rglob("*.npy"))
    print(f"first trace, which builds the index: {first:.1f} s; index {size / 1e6:.0f} MB")
    print(f"start of Python, taken off below: {python:.2f} s")
    seconds, found = [], 0
    for take, start, file in crops:
        spent, computed, told = timed([*cueworks, str(file)], home)
        row = json.loads(told)
        right = row["take"] == take and abs(row["where"]["take_s"] - row["where"]["file_s"] - start) < 0.1
        found += right
        seconds.append(spent - python)
        told = f"{row['match']:12} score {row['score']}  {'right' if right else 'WRONG'}"
        print(f"  {spent - python:.2f} s ({computed:.2f} s of processor)  {told}", flush=True)
    print(f"{found} of {len(crops)} found at their place; middle {sorted(seconds)[len(seconds) // 2]:.2f} s")
    assert found == len(crops), "a crop was not found"
    print(f"seconds: {max(seconds):.2f}")


if __name__ == "__main__":
    main()
