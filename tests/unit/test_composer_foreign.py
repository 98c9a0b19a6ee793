"""A sound bank of other people is read within bounds, plays what it says, and is found again by its digest."""

import struct
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from composer_sounds import band, bank_path, notes, seconds
from hypothesis import given, settings
from hypothesis import strategies as st

from models.composer.bank.sf2 import Gen, Program, Sample, Zone, soundfont, timecents
from models.composer.foreign import BankError, checked, digest_of, find, keep, opened, place_of, read
from models.composer.foreign_synth import ForeignSampler
from models.composer.generator import create
from models.controls import Controls, SoundBank, Theme
from models.generator import Request

RATE = 48000
PLAIN = {Gen.PAN: 0, Gen.INITIAL_ATTENUATION: 0, Gen.ATTACK_VOL_ENV: -12000, Gen.RELEASE_VOL_ENV: timecents(0.1)}


def tone(hertz: float, name: str = "tone", loop: bool = True) -> Sample:
    wave = 9000 * np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE)
    return Sample(name, wave.astype(np.int16), RATE, 69, (24000, 48000) if loop else None)


def general_midi(**zones: int) -> bytes:
    """A bank of a held tone at every program that the band asks for, and a kit of one drum."""
    held = Zone(0, generators=PLAIN | {Gen[name]: value for name, value in zones.items()})
    drum = Zone(1, generators=PLAIN | {Gen.SCALE_TUNING: 0})
    programs = [Program("tone", 0, number, (held,)) for number in (0, 40, 48)]
    return soundfont("others", [*programs, Program("kit", 128, 0, (drum,))], [tone(440.0), tone(200.0, "drum", False)])


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    path = tmp_path / "others.sf2"
    path.write_bytes(general_midi())
    return path


def pitch(audio: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(audio[: RATE // 2] * np.hanning(RATE // 2), 4 * RATE))
    return float(spectrum.argmax()) / 4


def test_keys_sound_at_their_pitch_as_long_as_they_are_held(bank: Path) -> None:
    player = ForeignSampler(bank)
    for key in (57, 69, 74):
        audio = player.render("violin", notes((0.0, 4.0, key, 100)), 120.0)
        assert audio.shape[0] == 1
        assert pitch(audio[0, 4800:]) == pytest.approx(440 * 2 ** ((key - 69) / 12), rel=0.002)
        assert 2 * RATE < audio.shape[1] < 2.2 * RATE
        assert np.std(audio[0, RATE : 2 * RATE]) > 0.8 * np.std(audio[0, :RATE])
        assert np.abs(audio[0, -20:]).max() < 1e-3


def test_velocity_is_level_and_a_missing_program_is_played_by_its_kin(bank: Path) -> None:
    player = ForeignSampler(bank)
    soft, loud = (np.std(player.render("cello", notes((0, 2, 60, v)), 120.0)) for v in (40, 110))
    assert 3 < loud / soft < 8


def test_drums_are_not_transposed(bank: Path) -> None:
    player = ForeignSampler(bank)
    for key in (36, 60):
        assert pitch(player.render("drums", notes((0, 1, key, 100)), 120.0)[0, 480:]) == pytest.approx(200, abs=3)


def test_ranges_pan_tuning_attenuation_and_low_pass_are_honoured(tmp_path: Path) -> None:
    def played(raw: bytes, velocity: int = 100) -> np.ndarray:
        path = tmp_path / f"{np.random.default_rng(len(list(tmp_path.iterdir()))).integers(1 << 40)}.sf2"
        path.write_bytes(raw)
        return ForeignSampler(path).render("piano", notes((0, 2, 69, velocity)), 120.0)

    plain = played(general_midi())
    left = played(general_midi(PAN=-500))
    assert left.shape[0] == 2
    assert np.std(left[1]) < 1e-4 < np.std(left[0])
    quieter = played(general_midi(INITIAL_ATTENUATION=250))
    assert np.std(quieter) / np.std(plain) == pytest.approx(10 ** (-0.4 * 250 / 200), rel=0.02)
    zones = (
        Zone(0, velocities=(1, 60), generators=PLAIN), Zone(1, velocities=(61, 127), generators=PLAIN),
    )  # fmt: skip
    kit = Program("kit", 128, 0, (Zone(0, generators=PLAIN),))
    layered = soundfont("layers", [Program("p", 0, 0, zones), kit], [tone(440.0), tone(880.0, "loud")])
    assert pitch(played(layered, 40)[0, 4800:]) == pytest.approx(440, rel=0.01)
    assert pitch(played(layered, 100)[0, 4800:]) == pytest.approx(880, rel=0.01)


def patched(raw: bytes, table: bytes, offset: int, value: bytes) -> bytes:
    """`raw` with some bytes of a table overwritten."""
    at = raw.index(table, raw.index(b"pdta")) + 8 + offset
    return raw[:at] + value + raw[at + len(value) :]


def hostile() -> dict[str, bytes]:
    raw = general_midi()
    return {
        "no bank at all": b"MThd" + bytes(40),
        "empty": b"",
        "cut off": raw[: len(raw) // 2],
        "a chunk larger than the file": raw[:16] + struct.pack("<I", 0xFFFFFFF0) + raw[20:],
        "bags out of order": patched(raw, b"phdr", 24, struct.pack("<H", 60000)),
        "an instrument that is not there": patched(raw, b"pgen", 2, struct.pack("<H", 999)),
        "compressed": patched(raw, b"shdr", 44, struct.pack("<H", 0x11)),
        "a rate of nothing": patched(raw, b"shdr", 36, struct.pack("<I", 1)),
        "a table of half a row": raw.replace(
            b"shdr" + struct.pack("<I", 46 * 3), b"shdr" + struct.pack("<I", 46 * 3 - 1)
        ),
        "no drums": soundfont("x", [Program("p", 0, 0, (Zone(0, generators=PLAIN),))], [tone(440.0)]),
    }


@pytest.mark.parametrize("what", hostile())
def test_a_hostile_file_is_refused_with_a_sentence(what: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.sf2"
    path.write_bytes(hostile()[what])
    with pytest.raises(BankError, match=r"^hostile\.sf2 (cannot be played: it|cannot be played: a|is too short)"):
        checked(path)


def test_samples_that_lie_outside_the_file_are_left_out() -> None:
    raw = patched(general_midi(), b"shdr", 20, struct.pack("<II", 0, 2**31))
    with pytest.raises(BankError, match="it lacks melodic presets"):
        read(memoryview(raw))


def test_an_instrument_used_over_and_over_is_refused_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.composer.foreign.MOST_ZONES", 5)
    with pytest.raises(BankError, match="more than 5 zones"):
        read(memoryview(general_midi()))


def test_a_zone_of_endless_generators_and_a_preset_of_endless_regions_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch, pytest.raises(BankError, match="generators, more than 3"):
        patch.setattr("models.composer.foreign.MOST_GENERATORS", 3)
        read(memoryview(general_midi()))
    zones = (Zone(0, generators=PLAIN), Zone(0, keys=(0, 60), generators=PLAIN))
    kit = Program("kit", 128, 0, (Zone(0, generators=PLAIN),))
    monkeypatch.setattr("models.composer.foreign.MOST_PRESET", 1)
    with pytest.raises(BankError, match="more than 1 regions"):
        read(memoryview(soundfont("twice", [Program("p", 0, 0, zones), kit], [tone(440.0)])))


@pytest.mark.parametrize(("loop", "rate", "root"), [(None, 1500, 127), ((24000, 48000), 192_000, 0)])
def test_a_note_far_from_its_sample_asks_for_little_memory(
    loop: tuple[int, int] | None, rate: int, root: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.composer.foreign_synth.MOST_FRAMES", 4 * RATE, raising=False)
    far = Sample("far", tone(440.0).pcm, rate, root, loop)
    programs = [Program(name, number, 0, (Zone(0, generators=PLAIN),)) for name, number in (("p", 0), ("kit", 128))]
    path = tmp_path / "far.sf2"
    path.write_bytes(soundfont("far", programs, [far]))
    player = ForeignSampler(path)
    tracemalloc.start()
    player.render("piano", notes((0.0, 20.0, 69, 100)), 120.0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 << 20


def test_envelopes_and_releases_of_many_lengths_are_not_kept_for_ever(bank: Path) -> None:
    region = opened(bank).presets[0, 0][0]
    player = ForeignSampler(bank)
    player._sounding(region, 69, 30 * RATE, (None, 0.0))
    tracemalloc.start()
    for number in range(100):
        slow = replace(region, release=5.0 - 0.01 * number, hold=0.01 * number)
        player._sounding(slow, 69, 10 * RATE, (None, 0.0))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 90 << 20


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_damage_to_a_file_breaks_the_reader_or_the_player(data: st.DataObject) -> None:
    raw = bytearray(general_midi())
    head = raw.index(b"pdta") - 8
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(head, len(raw) - 1))
        raw[place] = data.draw(st.integers(0, 255))
    try:
        bank = read(memoryview(bytes(raw)))
    except BankError:
        return
    for regions in bank.presets.values():
        for region in regions:
            start, end = region.sample
            assert 0 <= start < end <= len(bank.frames)
            assert region.loop is None or 0 <= region.loop[0] < region.loop[1] <= end - start
            assert np.isfinite([region.tuning, region.level, region.release, region.attack, region.cutoff]).all()


def test_a_bank_is_kept_by_its_digest_and_found_again(bank: Path, tmp_path: Path) -> None:
    sha256, cache = checked(bank), tmp_path / "cache"
    kept = keep(bank, sha256, cache)
    assert kept == place_of(sha256, cache) == keep(bank, sha256, cache) == find(sha256, cache)
    assert kept.read_bytes() == bank.read_bytes()
    assert list(kept.parent.iterdir()) == [kept]


def test_a_bank_that_is_missing_or_altered_is_told(bank: Path, tmp_path: Path) -> None:
    sha256, cache = digest_of(bank), tmp_path / "cache"
    with pytest.raises(BankError, match=f"{sha256}.*is not on this machine.*copy"):
        find(sha256, cache)
    keep(bank, sha256, cache).write_bytes(b"other")
    with pytest.raises(BankError, match="was altered"):
        find(sha256, cache)
    bank.write_bytes(bank.read_bytes() + b"\0")
    with pytest.raises(BankError, match="has changed"):
        keep(bank, sha256, tmp_path / "elsewhere")
    assert not list((tmp_path / "elsewhere" / "sound-banks").iterdir())


def test_a_score_is_played_on_the_bank_that_was_ordered(bank: Path) -> None:
    composer = create(bank_path().parent)
    composer.setup()
    ordered = SoundBank(checked(bank), "CC0-1.0")
    keep(bank, ordered.sha256, bank_path().parent)
    own = composer.render(band(bars=2), seconds(band(bars=2)), True)
    other = composer.render(band(bars=2), seconds(band(bars=2)), True, ordered)
    again = composer.render(band(bars=2), seconds(band(bars=2)), True, ordered)
    assert np.array_equal(other.premaster, again.premaster)
    assert not np.allclose(own.premaster, other.premaster, atol=1e-3)
    assert other.facts["sound_bank"] == {"sha256": ordered.sha256, "licence": "CC0-1.0"}
    total = np.sum([stem.astype(np.float64) for stem in other.stems.values()], axis=0)
    assert np.abs(total - other.premaster).max() < 1e-5


def test_an_order_names_its_bank_and_is_refused_where_it_is_missing(tmp_path: Path) -> None:
    controls = Controls(
        "combat", "orchestral", "urgent", 128.0, "D minor", "4/4", (), (), 4, 7.5, "loop", 4, True,
        Theme(seed=5, bars=2), sound_bank=SoundBank("0" * 64, "MIT"),
    )  # fmt: skip
    assert Controls.from_json(controls.as_json()) == controls
    composer = create(bank_path().parent)
    composer.setup()
    with pytest.raises(BankError, match="0" * 64):
        composer.generate([Request("0" * 64, "battle", 1, controls)])


def test_the_own_bank_can_be_read_as_a_foreign_one() -> None:
    bank = opened(bank_path())
    assert len(bank.presets) > 30
    assert bank.preset(40, False)
    assert bank.preset(16, True)
