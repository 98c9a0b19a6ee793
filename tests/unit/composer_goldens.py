"""Golden figures of the composer's sound, small enough to keep: of the bank, of whole premasters, of every room.

They are compared with a tolerance that another processor's last bits stay within and a changed sound does not. When a
sound was changed on purpose, raise `models.composer.revision.SOUND_REVISION`, put the bank's new digest there (if it is
new), and write the files again:

    python tests/unit/composer_goldens.py
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from composer_orders import order
from composer_sounds import bank_path
from numpy.typing import NDArray

from models.composer.bank.sf2 import Gen, Program, Sample, parse
from models.composer.generator import create, instruction_sets
from models.composer.rooms import ROOMS, impulse_response
from models.generator import Request

FOLDER = Path(__file__).parent / "golden"
BANK, SOUND = FOLDER / "bank.json", FOLDER / "sound.json"
RENEW = (
    "the sound has changed: raise SOUND_REVISION in models/composer/revision.py and run"
    " `python tests/unit/composer_goldens.py`; if nothing was meant to change, something did"
)
PIECES = {
    "a loop in a hall": order(state="combat", bpm=140.0, bars=4),
    "an ending on a plate": order(  # short enough that it still rings when it is faded
        state="music", genre="synthwave", bpm=120.0, form="intro-A-outro", bars=4, duration=9.0
    ),
}
_POINTS, _BLOCKS, _BANK_POINTS = 100, 50, 16


def _middles(frames: int, count: int) -> NDArray[np.intp]:
    """The middle frames of `count` equal parts."""
    return ((2 * np.arange(count) + 1) * frames) // (2 * count)


def listen(audio: NDArray[np.float32]) -> dict[str, Any]:
    """Of every side of (2, frames): samples at even places, and the RMS of blocks, so that no frame goes unheard."""
    frames = audio.shape[1]
    edges = [frames * block // _BLOCKS for block in range(_BLOCKS)]
    sums = np.add.reduceat(audio.astype(np.float64) ** 2, edges, axis=1)
    rms = np.sqrt(sums / np.diff([*edges, frames]))
    samples = audio[:, _middles(frames, _POINTS)].astype(np.float64)
    return {"frames": frames, "samples": np.round(samples, 7).tolist(), "rms": np.round(rms, 7).tolist()}


@cache
def premaster(piece: str) -> NDArray[np.float32]:
    """One of `PIECES`, composed, played and mixed by the generator: (2, frames) at 48 kHz."""
    composer = create(bank_path().parent)
    composer.setup()
    return composer.generate([Request("0" * 64, piece, 42, PIECES[piece])])[0].premaster


def _sample_row(sample: Sample) -> dict[str, Any]:
    pcm = sample.pcm.astype(np.int64)
    return {
        "name": sample.name,
        "format": [len(pcm), sample.rate, sample.root, *(sample.loop or ())],
        "rms": round(float(np.sqrt(np.mean(pcm**2))), 2),
        "pcm": pcm[_middles(len(pcm), _BANK_POINTS)].tolist(),
    }


def _program_row(program: Program) -> dict[str, Any]:
    """A preset; the attenuation of its zones apart, which is measured on the sound and may round to a neighbour."""
    zones = [
        [zone.sample, *zone.keys, *zone.velocities]
        + [value for gen, value in sorted(zone.generators.items()) if gen != Gen.INITIAL_ATTENUATION]
        for zone in program.zones
    ]
    quieter = [zone.generators[Gen.INITIAL_ATTENUATION] for zone in program.zones]
    return {"name": program.name, "place": [program.bank, program.program], "zones": zones, "attenuation": quieter}


def listen_to_bank() -> dict[str, list[dict[str, Any]]]:
    """Every preset and every sample of the bank that the code synthesises."""
    programs, samples = parse(bank_path().read_bytes())
    return {"programs": [_program_row(p) for p in programs], "samples": [_sample_row(s) for s in samples]}


def kept(path: Path) -> dict[str, Any]:
    """A golden file."""
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def _write(path: Path, parts: dict[str, Any]) -> None:
    """JSON with one entry a line, so that a difference can be read."""
    lines = []
    for name, part in parts.items():
        rows = part if isinstance(part, list) else [{"name": key} | value for key, value in part.items()]
        text = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
        lines.append(f'"{name}": [\n{text}\n]')
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def renew() -> None:
    """Write both files from the code as it is."""
    FOLDER.mkdir(exist_ok=True)
    _write(BANK, {"instruction_sets": instruction_sets(), **listen_to_bank()})
    pieces = {piece: listen(premaster(piece)) for piece in PIECES}
    _write(SOUND, {"pieces": pieces, "rooms": {room: listen(impulse_response(room)) for room in ROOMS}})


if __name__ == "__main__":
    renew()
