"""The built-in generator keeps the promises of the contract: one take, one sound, seamless, summing, explained."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from composer_sounds import band, bank_path, seconds

from models.composer.generator import Composer, create
from models.composer.revision import REVISION
from models.controls import Controls, Theme
from models.generator import Generator, Rendition, Request

ORDER = Controls(
    "combat", "orchestral", "urgent", 128.0, "D minor", "4/4", (), (), 4, 7.5, "loop", 4, True, Theme(seed=5, bars=2)
)


def request(seed: int = 1, stems: bool = True, controls: Controls = ORDER) -> Request:
    return Request("0" * 64, "battle music", seed, controls, stems)


def ready() -> Composer:
    composer = create(bank_path().parent)
    composer.setup()
    return composer


def digest(rendition: Rendition) -> str:
    return hashlib.sha256(rendition.premaster.tobytes()).hexdigest()


@pytest.fixture(scope="module")
def composer() -> Composer:
    return ready()


def test_it_is_a_generator_with_a_name_and_a_revision(composer: Composer) -> None:
    generator: Generator = composer
    assert (generator.id, generator.revision, generator.sample_rate, generator.batch_size) == (
        "composer",
        REVISION,
        48000,
        1,
    )
    assert (generator.resources.cpus, generator.resources.gpus, generator.resources.threads) == (1, 0, 1)


def test_a_loop_is_as_long_as_its_bars_and_sums_from_its_stems(composer: Composer) -> None:
    (rendition,) = composer.generate([request()])
    assert rendition.loop
    assert rendition.premaster.shape == (2, 360_000)
    assert len(rendition.stems) >= 3
    total = np.sum([stem.astype(np.float64) for stem in rendition.stems.values()], axis=0)
    assert np.max(np.abs(total - rendition.premaster)) < 1e-5


def test_one_take_has_one_sound_whatever_was_made_before(composer: Composer) -> None:
    others = [request(seed) for seed in (7, 8)]
    for other in others:
        composer.generate([other])
    assert digest(composer.generate([request()])[0]) == digest(ready().generate([request()])[0])


def test_another_seed_is_another_take(composer: Composer) -> None:
    assert digest(composer.generate([request(1)])[0]) != digest(composer.generate([request(2)])[0])


def test_asking_for_stems_does_not_change_the_mix(composer: Composer) -> None:
    without = composer.generate([request(stems=False)])[0]
    assert without.stems == {}
    assert digest(without) == digest(composer.generate([request()])[0])


def test_a_piece_that_ends_has_exactly_its_duration(composer: Composer) -> None:
    controls = replace(ORDER, loop=False, form="intro-A-outro", bars=4, duration=9.3217)
    (rendition,) = composer.generate([request(controls=controls)])
    assert rendition.premaster.shape == (2, round(9.3217 * 48000))
    assert not rendition.premaster[:, -1].any()
    assert not rendition.loop


def test_what_is_known_of_the_music_is_plain_json(composer: Composer) -> None:
    facts = composer.render(band(), seconds(band()), stems=False).facts
    assert json.loads(json.dumps(facts)) == facts
    assert facts["sections"] == [
        {"name": "A", "bar": 0, "bars": 2, "start_s": 0.0},
        {"name": "B", "bar": 2, "bars": 2, "start_s": 4.0},
    ]
    assert facts["chords"][1] == {"start_s": 2.0, "symbol": "Bb", "numeral": "VI"}
    assert facts["tracks"][1] == {"name": "Violin", "stem": "melody", "instrument": "violin", "notes": 16}
    assert facts["by"] == "hand"


def test_midi_comes_with_every_take(composer: Composer) -> None:
    (rendition,) = composer.generate([request()])
    assert rendition.midi is not None
    assert rendition.midi.startswith(b"MThd")


def test_the_profile_names_the_bank_and_the_machine(composer: Composer) -> None:
    profile = composer.profile()
    assert json.loads(json.dumps(profile)) == profile
    assert profile["bank_sha256"] == hashlib.sha256(bank_path().read_bytes()).hexdigest()
    assert profile["threads"] == 1
    assert profile["instruction_sets"]


def test_more_than_a_batch_is_refused(composer: Composer) -> None:
    with pytest.raises(ValueError, match="1 request at a time, not 2"):
        composer.generate([request(1), request(2)])


def test_nothing_is_played_before_setup_or_after_teardown() -> None:
    composer = create(bank_path().parent)
    with pytest.raises(ValueError, match=r"setup\(\)"):
        composer.generate([request()])
    composer.setup()
    composer.teardown()
    with pytest.raises(ValueError, match=r"setup\(\)"):
        composer.profile()
