"""Small training runs for tests: orders over sounds that are made up here, so that nothing has to be rendered first."""

import io
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from models.controls import Controls, Theme
from models.house.sizes import CodecSize, LanguageSize
from models.musicgen.prompting import told_beside
from services.training.order import Item, Order, run_folder, write_order
from services.training.presets import PRESETS, Course, Preset

RATE = 22050
STATES = ("exploration", "combat", "boss")
MICRO = replace(
    PRESETS["tiny"], name="micro",
    codec=CodecSize(8000, (5, 4, 4), filters=2, hidden=8, codebooks=2, cardinality=16),
    language=LanguageSize(32, 1, 2, 64, text_width=16, text_layers=1, text_heads=2, vocabulary=200, window_frames=200),
    codec_course=Course(steps=8, batch=2, seconds=0.2, rate=1e-3, warmup=2),
    model_course=Course(steps=8, batch=2, seconds=0.5, rate=2e-3, warmup=2), judged=2, judged_s=1.0,
)  # fmt: skip


def controls(state: str, bpm: float, loop: bool, seconds: float) -> Controls:
    return Controls(
        state=state, genre="orchestral", mood="calm", bpm=bpm, key="D minor", meter="4/4", instruments=("strings",),
        excluded=(), bars=1, duration=seconds, form="loop", intensity=3, loop=loop, theme=Theme(7),
    )  # fmt: skip


def sound(bpm: float, pitch: float, seconds: float) -> np.ndarray:
    """A tone that begins anew with every beat, float32 [samples]."""
    at = np.arange(round(seconds * RATE)) / RATE
    beat = at % (60 / bpm)
    return (0.4 * np.sin(2 * np.pi * pitch * at) * np.exp(-6 * beat)).astype(np.float32)


def items(blobs: Path, count: int = 6, least_s: float = 1.0) -> tuple[Item, ...]:
    """Takes whose files lie in `blobs` as a store keeps them; the shortest is `least_s` long."""
    import soundfile

    found = []
    for number in range(count):
        bpm, seconds = 120.0 + 20 * (number % 3), least_s + 0.1 * number
        file = io.BytesIO()
        soundfile.write(file, sound(bpm, 220.0 * (1 + number % 3), seconds), RATE, format="FLAC")
        digest = sha256(file.getvalue()).hexdigest()
        path = blobs / digest[:2] / digest
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.getvalue())
        how = controls(STATES[number % 3], bpm, number % 2 == 0, seconds)
        prompt = f"{how.state} music number {number}"
        take = sha256(f"take {number}".encode()).hexdigest()
        found.append(Item(take, "made-up", how.state, how.loop, digest, "audio/flac", digest, prompt, number,
                          how.as_json(), tuple(told_beside("", how)), tuple(told_beside(prompt, how)),
                          f"zone {number // 2}", how.state, {"number": str(number)}))  # fmt: skip
    return tuple(sorted(found, key=lambda item: item.take))


def order(folder: Path, preset: Preset = MICRO, seed: int = 3, **changes: object) -> Order:
    code = {"package": "0", "commit": "", "source_sha256": "0" * 64, "libraries": {"torch": "2"}}
    made = Order("house/test", ("made-up",), preset, seed, 0.0, "cpu", 1, code, items(folder / "blobs"),
                 str(folder / "blobs"))  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def begun(folder: Path, **changes: object) -> Path:
    """A run's folder with its order in it."""
    made = order(folder, **changes)  # type: ignore[arg-type]
    run = run_folder(folder, made.id)
    write_order(run, made)
    return run
