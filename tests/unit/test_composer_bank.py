"""The sound bank is our own, the same everywhere, complete, in tune, balanced, and never half on disk."""

import hashlib
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from composer_goldens import BANK, RENEW, kept, listen_to_bank
from composer_sounds import bank_path, notes
from hypothesis import given, settings
from hypothesis import strategies as st

from models.composer.bank import PRESETS, store
from models.composer.bank.sf2 import Gen, Program, Sample, Zone, parse, soundfont
from models.composer.generator import instruction_sets
from models.composer.revision import BANK_SHA256
from models.composer.synth import Sampler
from models.words import INSTRUMENTS

PITCHED = [name for name, preset in PRESETS.items() if not preset.is_drum]
SHAPES = st.tuples(st.integers(1, 300), st.integers(0, 127), st.booleans(), st.integers(-500, 500))
KITS = [name for name, preset in PRESETS.items() if preset.is_drum]


@pytest.fixture(scope="module")
def sampler() -> Sampler:
    return Sampler(bank_path())


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

    monkeypatch.setattr(store.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.ensure_bank(tmp_path)
    assert not list(tmp_path.glob("*bank-*"))
