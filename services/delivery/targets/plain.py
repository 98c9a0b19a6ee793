"""The plain target: a folder a person can read, `catalog/state/take/mix.flac`, with `loop.json` beside the sound.

Names are made anew from roles, never taken from paths on record, so that nothing in a database leads out of the folder.
"""

import json
from collections.abc import Iterator

from db.rows import AssetRow
from services.delivery.frozen import FrozenTake
from services.delivery.targets import Piece
from services.mastering.encode import FORMATS
from services.storage.tree import safe_name

LONGEST_PART = 120
MOST_PARTS = 4
EXTENSIONS = {format_.media_type: name for name, format_ in FORMATS.items()} | {"audio/midi": "mid"}


class PlainTarget:
    """Mixes in the formats ordered, stems, MIDI, and what a player needs to loop them."""

    def pieces(self, take: FrozenTake) -> Iterator[Piece]:
        folder = "/".join(safe_name(part, LONGEST_PART) for part in take.take.folder.split("/")[-MOST_PARTS:] if part)
        for file in take.files:
            yield Piece(f"{folder}/{_name(file)}", file.role, file.media_type, file.sha256)
        loop = json.dumps(loop_info(take), indent=2, sort_keys=True) + "\n"
        yield Piece(f"{folder}/loop.json", "loop-info", "application/json", take.master.sha256, loop.encode())


def _name(file: AssetRow) -> str:
    extension = EXTENSIONS.get(file.media_type) or safe_name(file.media_type.rpartition("/")[2], 16).lower()
    return f"{safe_name(file.role.replace(':', '-'))}.{extension}"


def loop_info(take: FrozenTake) -> dict[str, object]:
    """What a game needs to play the mix: where it loops, in samples, and how it beats. `end` is one past the last."""
    controls, rate = take.take.controls, int(take.take.delivery.get("sample_rate", 0))
    seconds = take.master.duration_s or 0.0
    musical = {name: controls.get(name) for name in ("bpm", "meter", "key", "bars", "intensity", "form")}
    levels = {name: take.take.measurements.get(name) for name in ("integrated_lufs", "true_peak_dbtp")}
    loops = bool(controls.get("loop"))
    samples = {"start": 0, "end": round(seconds * rate)} if loops else None
    return {
        "take": take.id, "cue": take.take.cue, "state": take.take.state, "zone": take.take.zone,
        "sample_rate": rate, "duration_s": seconds, "loops": loops, "loop_samples": samples, **musical, **levels,
    }  # fmt: skip


TARGET = PlainTarget()
