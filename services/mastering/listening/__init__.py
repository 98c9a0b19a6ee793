"""Listening: what anyone can hear of a sound who was not told what was ordered.

`hear` takes the sound alone: no order, no generator, no path. Nothing here judges (see `services.planning.acceptance`)
and nothing is written. The same sound is heard alike whatever made it, so what was heard is kept by the digest of the
samples and by `LISTENING_REVISION`.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from services.mastering.listening.spectra import Floats, mel_power

LISTENING_REVISION = "1"  # raise it when the same sound is heard otherwise; tests/unit/test_listening.py notices
SHORTEST_TEMPO_S = 6.0  # of shorter sounds no tempo is told
_SHORTEST_KEY_S = 1.0


@dataclass(frozen=True)
class Hearing:
    """What was heard of one sound.

    `bpm` and `pulse` (its strength: of all that the onsets move, the share that keeps to it; steady music has 0.3 and
    more): None for sounds under 6 s and where nothing moves. `key` as `D dorian`, `key_strength` (a correlation, up to
    1) and `key_lead` (over the best key that sounds otherwise): None where there is no pitch. Silence in seconds and as
    a share; `clipped` is the share of samples at full scale in a row, `crowding` and `crowded` as
    `level.Clipping` says; `end_db` the last 50 ms over the seconds before; `seam_jump` and `seam_flux` multiples of
    what the inside has, None for very short sounds; `dc` the larger channel mean; `level_db` RMS of full scale;
    `broken` the share of samples that are no finite numbers (they are heard as zeros). `descriptor` is what
    near-duplicates are found by (`likeness`).
    """

    seconds: float
    bpm: float | None
    pulse: float | None
    key: str | None
    key_strength: float | None
    key_lead: float | None
    leading_silence_s: float
    inner_silence_s: float
    trailing_silence_s: float
    silent_share: float
    clipped: float
    crowding: float
    crowded: float
    end_db: float
    seam_jump: float | None
    seam_flux: float | None
    dc: float
    level_db: float
    broken: float
    descriptor: bytes
    revision: str = LISTENING_REVISION

    def facts(self) -> dict[str, Any]:
        """All but descriptor and revision, as plain JSON values."""
        return {name: value for name, value in asdict(self).items() if name not in ("descriptor", "revision")}

    @classmethod
    def of(cls, facts: dict[str, Any], descriptor: bytes, revision: str) -> "Hearing":
        """The inverse of `facts`. Raises TypeError on unknown or missing ones."""
        return cls(**facts, descriptor=descriptor, revision=revision)


def hear(audio: Floats, rate: int) -> Hearing:
    """Listen to `audio`, float (channels, frames) with 1 for full scale, at `rate` Hz.

    Takes about 0.2 s for half a minute of stereo on one core. Raises ValueError for what is no sound at all."""
    from services.mastering.listening import key, level, likeness, tempo

    audio = np.asarray(audio, dtype=np.float32)
    if audio.ndim != 2 or not audio.size or rate < 1000:
        raise ValueError(f"sound of shape {audio.shape} at {rate} Hz cannot be heard; give (channels, frames)")
    broken = float(1 - np.isfinite(audio).mean())
    if broken:
        audio = np.nan_to_num(audio, nan=0.0, posinf=0.0, neginf=0.0)
    seconds = audio.shape[1] / rate
    mel = mel_power(audio, rate)
    beat = tempo.pulse(tempo.onsets(mel), mel.per_second) if seconds >= SHORTEST_TEMPO_S else None
    pitch = key.estimate(audio, rate) if seconds >= _SHORTEST_KEY_S else None
    quiet, clip, seam = level.silence(audio, rate), level.clipping(audio), level.seam(audio, rate)
    power = float(np.square(audio).mean(dtype=np.float64))
    return Hearing(
        seconds=round(seconds, 6),
        bpm=_round(beat.bpm, 3) if beat else None, pulse=_round(beat.strength) if beat else None,
        key=pitch.name if pitch else None, key_strength=_round(pitch.strength) if pitch else None,
        key_lead=_round(pitch.lead) if pitch else None,
        leading_silence_s=_round(quiet.leading_s), inner_silence_s=_round(quiet.inner_s),
        trailing_silence_s=_round(quiet.trailing_s), silent_share=_round(quiet.share),
        clipped=_round(clip.full_scale, 6), crowding=_round(clip.crowding), crowded=_round(clip.crowded, 6),
        end_db=_round(level.end_db(audio, rate), 2),
        seam_jump=_round(seam.jump) if seam else None, seam_flux=_round(seam.flux) if seam else None,
        dc=_round(float(np.abs(audio.mean(axis=1, dtype=np.float64)).max()), 6),
        level_db=_round(10 * float(np.log10(max(power, 1e-20))), 2), broken=_round(broken, 6),
        descriptor=likeness.describe(mel),
    )  # fmt: skip


def _round(value: float, digits: int = 4) -> float:
    """Digits that a listener means; they also keep what two machines hear apart by rounding from looking different."""
    return round(float(value), digits)
