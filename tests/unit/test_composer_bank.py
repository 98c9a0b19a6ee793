"""The sound bank is our own, the same everywhere, complete, in tune, balanced, and never half on disk."""

import hashlib
import subprocess
import sys
import threading
import time
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from composer_goldens import BANK, RENEW, kept, listen_to_bank
from composer_sounds import bank_path, notes
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import models.kept
from models.composer.bank import PRESETS, store
from models.composer.bank.sf2 import Gen, Program, Sample, Zone, parse, soundfont
from models.composer.generator import instruction_sets
from models.composer.revision import BANK_SHA256
from models.composer.synth import VELOCITY_POWER, Sampler
from models.words import INSTRUMENTS

PITCHED = [name for name, preset in PRESETS.items() if not preset.is_drum]
SHAPES = st.tuples(st.integers(1, 300), st.integers(0, 127), st.booleans(), st.integers(-500, 500))
KITS = [name for name, preset in PRESETS.items() if preset.is_drum]


@pytest.fixture(scope="module")
def sampler() -> Sampler:
    return Sampler(bank_path())


@pytest.mark.thorough
@pytest.mark.parametrize("part", ["programs", "samples"])
def test_the_bank_sounds_as_in_this_revision_on_every_processor(part: str) -> None:
    """Samples may differ by one step of 16 bits, attenuations by one centibel; nothing else may."""
    heard, golden = listen_to_bank()[part], kept(BANK)[part]
    assert [row["name"] for row in heard] == [row["name"] for row in golden], RENEW
    for ours, theirs in zip(heard, golden, strict=True):
        for fact in ("format", "place", "zones"):
            assert ours.get(fact) == theirs.get(fact), f"{ours['name']}: {fact}. {RENEW}"
        for measure, step in (("pcm", 1), ("rms", 0.05), ("attenuation", 1)):
            expected = pytest.approx(np.array(theirs.get(measure, [])), abs=step, rel=0)
            assert np.array(ours.get(measure, [])) == expected, f"{ours['name']}: {measure}. {RENEW}"


def test_the_bank_that_the_code_synthesises_is_the_one_that_the_revision_names() -> None:
    if instruction_sets() != kept(BANK)["instruction_sets"]:
        pytest.skip("this processor may round otherwise; the comparison with a tolerance is made in any case")
    assert store.digest_of(bank_path()) == BANK_SHA256, f"put the new digest into models/composer/revision.py: {RENEW}"


def test_every_published_instrument_has_a_preset_of_its_own() -> None:
    assert tuple(PRESETS) == INSTRUMENTS
    assert len({(preset.bank, preset.program) for preset in PRESETS.values()}) == len(PRESETS)
    assert all(0 <= preset.low < preset.high <= 127 for preset in PRESETS.values())


def test_planning_can_read_the_revision_without_loading_numpy() -> None:
    code = "import sys, models.composer.revision, models.composer.bank; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", PITCHED)
def test_instruments_are_in_tune(sampler: Sampler, name: str) -> None:
    preset = PRESETS[name]
    for key in (preset.low + 1, (preset.low + preset.high) // 2, preset.high - 1):
        tone = sampler.render(name, notes((0, 4, key, 100)), 120.0).mean(axis=0)[4800:67200]
        size = 1 << 19
        spectrum = np.abs(np.fft.rfft(tone * np.hanning(len(tone)), size))
        freqs = np.fft.rfftfreq(size, 1 / 48000)
        pitch = 440 * 2 ** ((key - 69) / 12)
        near = np.abs(1200 * np.log2(np.maximum(freqs, 1) / pitch)) < 90
        middle = np.sum(freqs[near] * spectrum[near] ** 2) / np.sum(spectrum[near] ** 2)
        assert abs(1200 * np.log2(middle / pitch)) < 10, (name, key)


def _spectrum(pcm: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Frequencies in Hz and power of a sound at 48 kHz."""
    size = 1 << 17
    return np.fft.rfftfreq(size, 1 / 48000), np.abs(np.fft.rfft(pcm[:size], size)) ** 2


def _share(pcm: NDArray[np.float64], low: float, high: float) -> float:
    """Share of the energy between two frequencies."""
    freqs, power = _spectrum(pcm)
    return float(power[(freqs >= low) & (freqs < high)].sum() / power.sum())


def _centroid(pcm: NDArray[np.float64]) -> float:
    freqs, power = _spectrum(pcm)
    return float(np.sum(freqs * power) / np.sum(power))


def _play(sampler: Sampler, name: str, key: int, velocity: int = 110, seconds: float = 1.0) -> NDArray[np.float64]:
    return sampler.render(name, notes((0, seconds, key, velocity)), 60.0).mean(axis=0).astype(np.float64)


def _fades(pcm: NDArray[np.float64], by: float) -> float:
    """Seconds after the loudest 10 ms until the sound has faded by `by` dB; infinite where it never does."""
    blocks = np.sqrt(np.mean(pcm[: len(pcm) // 480 * 480].reshape(-1, 480) ** 2, axis=1))
    loudest = int(np.argmax(blocks))
    below = np.nonzero(blocks[loudest:] < blocks[loudest] * 10 ** (-by / 20))[0]
    return float(below[0]) / 100 if len(below) else float("inf")


@pytest.mark.parametrize("name", KITS)
def test_kits_have_lows_in_the_kick_and_highs_in_the_metal(sampler: Sampler, name: str) -> None:
    assert _share(_play(sampler, name, 36), 20, 200) > 0.8
    if name not in ("taiko", "chip drums"):
        assert _share(_play(sampler, name, 49), 6000, 24000) > 0.08
        assert _share(_play(sampler, name, 70), 6000, 24000) > 0.3
    if name not in ("taiko", "chip drums", "orchestral drums", "percussion", "hand drums"):
        assert _share(_play(sampler, name, 42), 8000, 24000) > 0.4
        assert _share(_play(sampler, name, 42), 10000, 24000) > 0.25


@pytest.mark.parametrize("name", [name for name in KITS if name not in ("taiko", "orchestral drums", "percussion")])
def test_an_open_hat_rings_and_a_closed_one_cuts_it_off(sampler: Sampler, name: str) -> None:
    alone = _play(sampler, name, 46)
    assert _fades(alone, 25) > (1.5 if name == "hand drums" else 2) * _fades(_play(sampler, name, 42), 25)
    if name != "hand drums":
        cut = sampler.render(name, notes((0, 0.2, 46, 110), (0.1, 0.2, 42, 1)), 60.0).mean(axis=0)
        assert np.sum(cut[9600:19200].astype(np.float64) ** 2) < 0.04 * np.sum(alone[9600:19200] ** 2)


def test_kicks_of_machines_fall_and_last_as_their_music_wants(sampler: Sampler) -> None:
    assert _fades(_play(sampler, "trap drums", 35), 20) > 2 * _fades(_play(sampler, "drums", 36), 20)
    assert _fades(_play(sampler, "breakbeat drums", 36), 20) < _fades(_play(sampler, "techno drums", 36), 20)


@pytest.mark.parametrize("name", [name for name in PITCHED if PRESETS[name].family == "bass"])
def test_basses_are_low_and_still_heard_on_small_speakers(sampler: Sampler, name: str) -> None:
    tone = _play(sampler, name, PRESETS[name].low + 7)
    assert _share(tone, 20, 200) > 0.2
    assert _share(tone, 90, 24000) > 0.002


@pytest.mark.parametrize("name", [
    "strings", "violin", "cello", "trumpet", "horn", "trombone", "brass", "choir", "piano", "electric piano",
    "steel guitar", "marimba", "synth bass", "saxophone", "timpani",
])
def test_soft_notes_are_darker_than_loud_ones(sampler: Sampler, name: str) -> None:
    key = PRESETS[name].low + 9
    assert _centroid(_play(sampler, name, key, 25)) < 0.93 * _centroid(_play(sampler, name, key, 120))


@pytest.mark.parametrize("name", KITS[:8])
def test_ghost_strokes_are_darker_than_accents(sampler: Sampler, name: str) -> None:
    if name != "chip drums":
        assert _centroid(_play(sampler, name, 38, 20)) < 0.95 * _centroid(_play(sampler, name, 38, 122))


def test_a_blend_of_the_layers_loses_no_level(sampler: Sampler) -> None:
    """Soft and loud layer agree in phase: what lies between them is not thinner than they are."""
    for name, preset in PRESETS.items():
        key = 38 if preset.is_drum else (preset.low + preset.high) // 2
        soft, middle, loud = (
            20 * np.log10(np.std(_play(sampler, name, key, velocity)) / (velocity / 127) ** VELOCITY_POWER)
            for velocity in (15, 60, 108)
        )
        assert middle > (soft + loud) / 2 - 1.5, name


@pytest.mark.parametrize("name", PITCHED)
def test_notes_are_held_or_die_as_the_preset_tells(sampler: Sampler, name: str) -> None:
    preset = PRESETS[name]
    tone = np.concatenate([_play(sampler, name, (preset.low + preset.high) // 2, 110, 3.2), np.zeros(3 * 48000)])
    late = np.std(tone[2 * 48000 : 3 * 48000]) / np.std(tone[:48000])
    assert late > 0.4 if preset.sustains else late < 0.4


@pytest.mark.parametrize("name", [name for name, preset in PRESETS.items() if not preset.sustains])
def test_what_is_struck_speaks_at_once(sampler: Sampler, name: str) -> None:
    preset = PRESETS[name]
    tone = np.abs(_play(sampler, name, 38 if preset.is_drum else (preset.low + preset.high) // 2, 120, 0.5))
    assert np.argmax(tone > 0.5 * tone.max()) < 0.02 * 48000


@pytest.mark.parametrize("name", PITCHED)
def test_folding_to_mono_loses_less_than_two_decibels(sampler: Sampler, name: str) -> None:
    preset = PRESETS[name]
    for key in (preset.low + 2, (preset.low + preset.high) // 2, preset.high - 2):
        wide = sampler.render(name, notes((0, 1.5, key, 110)), 60.0).astype(np.float64)
        assert 10 * np.log10(np.mean(wide.mean(axis=0) ** 2) / np.mean(wide**2)) > -2, key


def _takes(name: str) -> dict[int, tuple[Zone, ...]]:
    programs, _ = _parsed()
    preset = PRESETS[name]
    found = {program.bank: program.zones for program in programs if program.program == preset.program}
    return {take: found[preset.bank + 10 * take] for take in range(preset.alternates)}


@cache
def _parsed() -> tuple[list[Program], list[Sample]]:
    programs, samples = parse(bank_path().read_bytes())
    return list(programs), list(samples)


def _voiced(zones: tuple[Zone, ...], key: int) -> list[Zone]:
    return [zone for zone in zones if zone.keys[0] <= key <= zone.keys[1]]


@pytest.mark.parametrize("name", [name for name, preset in PRESETS.items() if preset.alternates > 1])
def test_alternates_differ_in_detail_and_not_in_loudness(name: str) -> None:
    from models.composer.bank.build import loudness

    preset, takes, (_, samples) = PRESETS[name], _takes(name), _parsed()
    keys = [37, 38, 41, 42, 48] if preset.is_drum else range(preset.low + 2, preset.high, 11)
    different = 0
    for key in keys:
        levels = []
        for zones in (_voiced(takes[0], key), _voiced(takes[1], key)):
            zone = max(zones, key=lambda zone: (zone.velocities, -zone.generators[Gen.PAN]))
            sample = samples[zone.sample]
            pitch = 1.0 if preset.is_drum else 2 ** ((key - sample.root) / 12)
            pcm = sample.pcm.astype(np.float64) / 32768
            levels.append(loudness(pcm, round(sample.rate * pitch)) - zone.generators[Gen.INITIAL_ATTENUATION] / 10)
            levels.append(float(zone.sample))
        different += levels[1] != levels[3]
        assert abs(levels[0] - levels[2]) < 2.5, key
    assert different >= (2 if preset.is_drum else 0.7 * len(keys))


def test_every_key_of_an_alternate_has_one_voice_a_side_and_layer() -> None:
    for name, preset in PRESETS.items():
        for zones in _takes(name).values():
            for key in range(35, 82) if preset.is_drum else range(128):
                places = [(zone.generators[Gen.PAN], zone.velocities) for zone in _voiced(zones, key)]
                assert places, (name, key)
                assert len(set(places)) == len(places), (name, key)


def test_one_instrument_is_the_same_whenever_it_is_synthesised() -> None:
    from models.composer.bank.build import synthesise

    for name in ("trumpet", "supersaw", "distorted guitar", "pizzicato strings", "rock organ", "acid bass"):
        for first, second in zip(synthesise(name).recordings, synthesise(name).recordings, strict=True):
            assert np.array_equal(first.pcm, second.pcm)


def test_the_bank_is_small_enough_to_keep_in_every_cache() -> None:
    assert bank_path().stat().st_size <= 60_000_000


def test_the_chip_pulse_is_high_for_a_quarter_of_its_period(sampler: Sampler) -> None:
    tone = _play(sampler, "square lead", 60, 127, 0.2)
    freqs, power = _spectrum(tone)
    pitch = 440 * 2 ** (-9 / 12)
    level = [10 * np.log10(power[np.abs(freqs - k * pitch) < 12].max()) for k in range(1, 9)]
    assert level[3] < level[0] - 30
    assert level[7] < level[0] - 30
    assert level[1] == pytest.approx(level[0] - 3.0, abs=1.5)


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_louder_playing_is_louder(sampler: Sampler, name: str) -> None:
    key = 38 if PRESETS[name].is_drum else (PRESETS[name].low + PRESETS[name].high) // 2
    levels = [float(np.std(sampler.render(name, notes((0, 2, key, v)), 120.0))) for v in (20, 50, 80, 110, 127)]
    assert levels == sorted(levels)
    assert levels[-1] > 8 * levels[0] > 0


def test_instruments_stand_beside_each_other_at_one_velocity(sampler: Sampler) -> None:
    from models.composer.bank.build import TRIMS, loudness

    levels = {}
    for name in PITCHED:
        key = (PRESETS[name].low + PRESETS[name].high) // 2
        tone = sampler.render(name, notes((0, 2, key, 110)), 120.0).mean(axis=0).astype(np.float64)
        levels[name] = loudness(tone, 48000) - TRIMS.get(name, 0.0)
    assert max(levels.values()) - min(levels.values()) < 7, levels


@pytest.mark.parametrize("name", KITS)
def test_kits_answer_every_key_of_the_standard_without_dc(sampler: Sampler, name: str) -> None:
    for key in range(35, 82):
        hit = sampler.render(name, notes((0, 0.25, key, 110)), 120.0)
        assert 0.005 < np.max(np.abs(hit)) < 1.0, key
        assert abs(float(hit.mean())) < 0.02 * float(hit.std()), key


def test_loops_of_samples_join_without_a_step() -> None:
    _, samples = parse(bank_path().read_bytes())
    looped = [sample for sample in samples if sample.loop]
    assert looped
    for sample in looped:
        start, end = sample.loop or (0, 0)
        after = sample.pcm[end : end + 8].astype(int)
        assert np.max(np.abs(after - sample.pcm[start : start + 8].astype(int))) <= 2, sample.name


@settings(max_examples=30, deadline=None)
@given(st.lists(SHAPES, min_size=1, max_size=6))
def test_what_is_written_is_read_back(shapes: list[tuple[int, int, bool, int]]) -> None:
    samples, zones = [], []
    for number, (frames, root, looped, pan) in enumerate(shapes):
        pcm = np.arange(frames, dtype=np.int16)
        samples.append(Sample(f"sample {number}", pcm, 32000, root, (0, frames) if looped else None))
        zones.append(Zone(number, (0, root), (1, 79), {Gen.PAN: pan}))
    written = soundfont("test", [Program("all", 0, 5, tuple(zones)), Program("one", 128, 0, (zones[0],))], samples)
    programs, read = parse(written)
    assert [(p.name, p.bank, p.program, p.zones) for p in programs] == [
        ("all", 0, 5, tuple(zones)),
        ("one", 128, 0, (zones[0],)),
    ]
    for old, new in zip(samples, read, strict=True):
        assert (old.name, old.rate, old.root, old.loop) == (new.name, new.rate, new.root, new.loop)
        assert np.array_equal(old.pcm, new.pcm)


@given(st.integers(0, 400))
@settings(max_examples=60, deadline=None)
def test_a_font_that_was_cut_off_is_refused(cut: int) -> None:
    whole = soundfont("test", [Program("p", 0, 0, (Zone(0),))], [Sample("s", np.ones(40, np.int16), 32000, 60)])
    if cut < len(whole):
        with pytest.raises((ValueError, KeyError)):
            parse(whole[: len(whole) - cut - 1])


def _stand_in(monkeypatch: pytest.MonkeyPatch, data: bytes = b"a bank", wait: float = 0.0) -> list[int]:
    """Replace the synthesis by something quick; the list grows with every build."""
    from models.composer.bank import build as module

    builds: list[int] = []

    def build() -> bytes:
        builds.append(1)
        time.sleep(wait)
        return data

    monkeypatch.setattr(module, "build", build)
    monkeypatch.setattr(store, "BANK_SHA256", hashlib.sha256(b"a bank").hexdigest())
    return builds


def test_a_damaged_cache_is_built_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    builds = _stand_in(monkeypatch)
    path = store.ensure_bank(tmp_path / "cache")
    for damage in (b"", b"a ban", b"A bank"):
        path.write_bytes(damage)
        assert store.ensure_bank(tmp_path / "cache").read_bytes() == b"a bank"
    assert len(builds) == 4
    assert store.ensure_bank(tmp_path / "cache") == path
    assert len(builds) == 4


def test_two_that_ask_at_once_build_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    builds, paths = _stand_in(monkeypatch, wait=0.2), []
    threads = [threading.Thread(target=lambda: paths.append(store.ensure_bank(tmp_path))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(builds) == 1
    assert len(set(paths)) == 1
    assert not list(tmp_path.glob(".bank-*"))


def test_a_processor_that_rounds_otherwise_keeps_its_own_bank(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    builds = _stand_in(monkeypatch, data=b"another bank")
    path = store.ensure_bank(tmp_path)
    assert path.name == f"bank-{hashlib.sha256(b'another bank').hexdigest()}.sf2"
    assert store.ensure_bank(tmp_path) == path
    assert len(builds) == 1


def test_a_failed_write_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _stand_in(monkeypatch)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(models.kept.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.ensure_bank(tmp_path)
    assert not list(tmp_path.glob("*bank-*"))
