"""Is it the same sound: a cut of a lossy copy is, the same notes played again are not."""

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pytest

from services.provenance.fingerprints.extract import Waveform, Words, excerpt, hear
from services.provenance.fingerprints.index import Index
from services.provenance.fingerprints.match import best_stretch, correlation, extended, whole_overlap
from services.provenance.fingerprints.recognise import Recognised, recognise
from tests.unit.fingerprint_sounds import RATE, convert, music, write


class Shelf:
    """A few songs, indexed, with their masters."""

    def __init__(self, folder: Path, seeds: range) -> None:
        self.paths = {f"{seed:064x}": write(folder / f"{seed}.flac", music(seed, 30)) for seed in seeds}
        self.words = {name: hear(path).fingerprint.words for name, path in self.paths.items()}
        self.index = Index(folder / "index")
        self.index.refresh(sorted(self.words), lambda names: [(name, self.words[name]) for name in names])

    def words_of(self, names: Collection[str]) -> Mapping[str, Words]:
        return {name: self.words[name] for name in names}

    def sound_of(self, name: str, start_s: float, length_s: float) -> Waveform | None:
        return excerpt(self.paths[name], start_s, length_s)

    def ask(self, path: Path) -> list[Recognised]:
        return recognise(hear(path), self.index, self.words_of, self.sound_of)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return Shelf(tmp_path_factory.mktemp("shelf"), range(8))


def song(seed: int) -> str:
    return f"{seed:064x}"


CUT = ("-ss", "11.37", "-t", "10")


@pytest.mark.parametrize("how", [("x.mp3", *CUT, "-b:a", "64k"), ("x.ogg", *CUT, "-q:a", "0"),
                                 ("x.wav", *CUT, "-af", "volume=-14dB"), ("x.wav", *CUT, "-af", "volume=+9dB"),
                                 ("x.wav", *CUT, "-ar", "8000", "-ac", "1", "-c:a", "pcm_u8"),
                                 ("x.m4a", "-ss", "11.37", "-t", "6", "-b:a", "96k")])  # fmt: skip
def test_a_cut_of_a_copy_is_found_with_its_place(shelf: Shelf, tmp_path: Path, how: tuple[str, ...]) -> None:
    name, *arguments = how
    found = shelf.ask(convert(shelf.paths[song(3)], tmp_path / name, *arguments))
    assert [one.name for one in found] == [song(3)]
    assert found[0].stretch.take_s + found[0].shift_s - found[0].stretch.query_s == pytest.approx(11.37, abs=0.06)


def test_a_film_with_two_songs_has_both(shelf: Shelf, tmp_path: Path) -> None:
    parts = [music(50, 8), music(2, 30)[: 12 * RATE], music(51, 5), music(6, 30)[9 * RATE : 21 * RATE]]
    found = shelf.ask(write(tmp_path / "film.flac", np.concatenate(parts)))
    assert {one.name for one in found} == {song(2), song(6)}
    places = {one.name: one.stretch.query_s for one in found}
    assert places[song(2)] == pytest.approx(8, abs=1.5)
    assert places[song(6)] == pytest.approx(25, abs=1.5)


def test_the_same_notes_played_again_are_another_sound(shelf: Shelf, tmp_path: Path) -> None:
    again = hear(write(tmp_path / "again.flac", music(3, 30, timing_s=0.03)))
    stretch = best_stretch(again.fingerprint.words, shelf.words[song(3)], 0)
    assert stretch is not None
    assert stretch.similarity > 0.8, "the words take it for the same"
    assert recognise(again, shelf.index, shelf.words_of, shelf.sound_of) == []


@pytest.mark.parametrize("sound", ["sine", "noise", "other music", "clicks", "too short"])
def test_what_is_not_ours_is_not_found(shelf: Shelf, tmp_path: Path, sound: str) -> None:
    time = np.arange(12 * RATE) / RATE
    made = {
        "sine": 0.5 * np.sin(2 * np.pi * 220 * time),
        "noise": np.random.default_rng(1).uniform(-0.5, 0.5, time.size),
        "other music": music(77, 12),
        "clicks": np.where(np.arange(time.size) % (RATE // 2) < 20, 0.9, 0.0),
        "too short": music(3, 1),
    }[sound]
    assert shelf.ask(write(tmp_path / "x.wav", made)) == []


def test_without_the_master_only_a_copy_beyond_doubt_is_found(shelf: Shelf, tmp_path: Path) -> None:
    copy = convert(shelf.paths[song(1)], tmp_path / "x.wav")
    found = recognise(hear(copy), shelf.index, shelf.words_of, lambda *_: None)
    assert [(one.name, one.correlation) for one in found] == [(song(1), None)]
    again = write(tmp_path / "again.flac", music(1, 30, timing_s=0.1))
    assert recognise(hear(again), shelf.index, shelf.words_of, lambda *_: None) == []


def test_a_stretch_is_measured_over_the_best_words_and_grows_while_they_agree() -> None:
    take = np.random.default_rng(1).integers(0, 1 << 32, 300, dtype=np.uint32)
    query = take.copy()
    query[200:] ^= np.uint32(0xFFFF0000)
    best = best_stretch(query, take, 0, window=64)
    assert best is not None
    assert (best.similarity, best.length, best.query == best.take) == (1.0, 64, True)
    whole = extended(query, take, best, 0.72)
    assert (whole.query, whole.length) == (best.query % 8, 200 - best.query % 8)
    assert whole_overlap(query, take, 0) == (1.0, pytest.approx(1 - 0.5 * 100 / 300))
    assert best_stretch(query, take, 299) is None


def test_correlation_of_nothing_is_nothing() -> None:
    silence = np.zeros(12000, dtype=np.int16)
    noise = np.random.default_rng(1).integers(-999, 999, 14000, dtype=np.int16)
    assert correlation(silence, noise) == (0.0, 0.0)
    assert correlation(noise[:12000], np.zeros(14000, dtype=np.int16)) == (0.0, 0.0)
    assert correlation(noise[:3000], noise)[0] == 0.0
    value, lag = correlation(noise[600:12600], noise)
    assert (value, lag) == (pytest.approx(1, abs=0.03), pytest.approx(0.1))
