"""What is measured of a take's sound, mastered as the pipeline delivers it, alone and beside all other takes."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.generator import Generator
from models.words import LAYERS
from services.mastering.chain import master
from tests.benchmarks.music import mix, pictures, seams, states, tempo
from tests.benchmarks.music.catalog import MAIN_STATES, Take
from tests.benchmarks.music.mix import Sound
from tests.benchmarks.music.notes import Share
from tests.benchmarks.music.report import Figure, Finding, level, yes

CREST = (8.0, 20.0)
FEWEST_ZONES = 12  # from which a classifier can be trained on all but a few
FIGURES = (
    Figure("tempo within 0.5 %", 0.98),
    Figure("states told apart", 0.95),
    Figure("  without drums, equally loud", 0.85),
    Figure("seam: sample jump", 1.0, "<=", "worst", percent=False),
    Figure("seam: spectral flux", 1.0, "<=", "worst", percent=False),
    Figure("clipped samples", 0.0, "<=", "worst", percent=False),
    Figure("true peak", -1.0, "<=", "worst", percent=False, unit=" dBTP"),
    Figure("DC", 0.001, "<=", "worst"),
    Figure("mono fold-down loss", 3.0, "<=", "worst", percent=False, unit=" dB"),
    Figure("tilt from pink", 6.0, "<=", "worst", percent=False, unit=" dB"),
    Figure("crest 8..20 dB", 1.0),
    Figure("duplicates of sound", 0.0, "<="),
    Figure("crest factor", 0, "", percent=False, unit=" dB"),
    Figure("tilt, signed", 0, "", percent=False, unit=" dB"),
    Figure("farthest octave from pink", 0, "", percent=False, unit=" dB"),
    Figure("above 10 kHz", 0, "", percent=False, unit=" dB"),
    Figure("correlation", 0, "", percent=False),
    *(Figure(f"{layer} beside the mix", 0, "", percent=False, unit=" LU") for layer in LAYERS),
)


@dataclass(frozen=True)
class Recording:
    """A take's sound, measured. `features` are of the mix, `undrummed` of the mix less its drums."""

    take: Take
    findings: tuple[Finding, ...]
    features: NDArray[np.float64]
    undrummed: NDArray[np.float64]
    digest: str


def recorded(take: Take, generator: Generator, picture: Path | None = None) -> Recording:
    """Generate, master and measure a take; its spectrogram goes to `picture`."""
    rendition = generator.generate([take.request])[0]
    mastered = master(rendition, take.delivery, take.controls.duration if take.controls.loop else None)
    sound, rate = mastered.mix.as_float(), mastered.sample_rate
    if picture is not None:
        pictures.spectrogram(sound, rate, str(take), picture)
    layers = {name: mastered.stem(name).as_float() for name in mastered.stem_names}
    bare = sound - layers["drums"] if "drums" in layers else sound
    found = (*_mixed(take, sound, rate), *_layers(layers, sound, rate), *_timed(take, sound, rate))
    return Recording(
        take, tuple(Finding(name, take.genre, take.state, str(take) + told, share) for name, share, told in found),
        states.features(sound, rate), states.features(bare, rate), mastered.pcm_sha256,
    )  # fmt: skip


Found = tuple[str, Share, str]


def _timed(take: Take, sound: Sound, rate: int) -> Iterator[Found]:
    if take.genre not in tempo.BEATLESS:
        heard = tempo.estimate(sound.mean(axis=0), rate)
        off = tempo.error(heard, take.controls.bpm, take.controls.meter)
        yield "tempo within 0.5 %", yes(off <= tempo.NEAR), f" heard {heard:.2f}"
    if take.controls.loop:
        yield "seam: sample jump", level(seams.jump(sound)), ""
        yield "seam: spectral flux", level(seams.flux(sound)), ""


def _mixed(take: Take, sound: Sound, rate: int) -> Iterator[Found]:
    found = mix.measured(sound, rate)
    yield "clipped samples", level(found.clipped), ""
    yield "true peak", level(found.true_peak_db), ""
    yield "DC", level(found.offset), ""
    yield "mono fold-down loss", level(found.mono_loss_db), ""
    if take.genre in mix.FULL_BAND:
        yield "tilt from pink", level(abs(found.tilt_db)), f" {found.tilt_db:+.1f} dB"
    yield "crest 8..20 dB", yes(CREST[0] <= found.crest_db <= CREST[1]), f" {found.crest_db:.1f} dB"
    yield "crest factor", level(found.crest_db), ""
    yield "tilt, signed", level(found.tilt_db), ""
    yield "farthest octave from pink", level(found.uneven_db), ""
    yield "above 10 kHz", level(found.air_db), ""
    yield "correlation", level(found.correlation), ""


def _layers(layers: dict[str, Sound], sound: Sound, rate: int) -> Iterator[Found]:
    whole = mix.loudness(sound, rate)
    for name in LAYERS:
        if name in layers and np.isfinite(alone := mix.loudness(layers[name], rate)):
            yield f"{name} beside the mix", level(alone - whole), ""


def together(recordings: Sequence[Recording]) -> Iterator[Finding]:
    """What shows only between takes: whether states are told apart, and duplicates."""
    main = [each for each in recordings if each.take.state in MAIN_STATES]
    groups = [f"{each.take.genre} {each.take.zone}" for each in main]
    asked = [each.take.state for each in main]
    enough = len(set(groups)) >= FEWEST_ZONES and len(set(asked)) > 1
    for figure, rows in (
        ("states told apart", [each.features for each in main]),
        ("  without drums, equally loud", [each.undrummed for each in main]),
    ):
        for each, told in zip(main, states.told_apart(rows, asked, groups) if enough else (), strict=False):
            yield _finding(figure, each.take, yes(told == each.take.state), f" taken for {told}")
    copies = Counter(each.digest for each in recordings)
    for each in recordings:
        yield _finding("duplicates of sound", each.take, yes(copies[each.digest] > 1))


def _finding(figure: str, take: Take, share: Share, what: str = "") -> Finding:
    return Finding(figure, take.genre, take.state, f"{take}{what}", share)
