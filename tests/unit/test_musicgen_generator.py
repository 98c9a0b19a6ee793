"""A checkpoint as a generator, from its folder to sound: one take one sound, exact lengths, loops, recordings, room."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from models.controls import AudioReference, Controls, Theme
from models.generator import BatchDependenceError, NoRoomError, Place, Request
from models.musicgen import recording, room
from models.musicgen.checkpoint import inspect, load
from models.musicgen.ending import faded, fold_frames, folded
from models.musicgen.generator import MusicGen, SoundError, create
from models.musicgen.shape import Shape, mono_delays
from models.pinning import ChangedFilesError, file_digests, whole_digest
from models.references import RecordingError, checked, keep
from services.rendering.jobs import Workshop
from tests import checkpoints

RATE, BATCH = 32000, 3
WINDOW = 60  # frames: 1.2 s, so that windows are quick
CONTROLS = Controls(
    state="combat", genre="rock", mood="tense", bpm=120.0, key="D minor", meter="4/4", instruments=("guitar",),
    excluded=(), bars=1, duration=0.7, form="A", intensity=3, loop=False, theme=Theme(1),
)  # fmt: skip
Open = Callable[..., MusicGen]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("generators")


@pytest.fixture(scope="module")
def opened(home: Path) -> Open:
    """Generators of every kind, set up once each."""
    made: dict[tuple[str, int], MusicGen] = {}

    def open_(kind: str = "mono", batch: int = BATCH) -> MusicGen:
        if (kind, batch) not in made:
            folder = home / kind
            if not folder.exists():
                checkpoints.write_transformers(folder, kind, window_frames=WINDOW)
            made[kind, batch] = built(folder, home, batch)
            made[kind, batch].setup()
        return made[kind, batch]

    return open_


def built(folder: Path, cache: Path, batch: int = BATCH) -> MusicGen:
    summary = inspect(folder)
    place = replace(summary.places()[0], batch_size=batch)
    return create(cache, place, **summary.options(f"tiny/{folder.name}", whole_digest(file_digests(summary.files))))


def request(seed: int, prompt: str = "a chase", **changes: object) -> Request:
    return Request(f"{seed:064x}", prompt, seed, replace(CONTROLS, **changes))  # type: ignore[arg-type]


def recorded(home: Path, seconds: float, rate: int = 44100, channels: int = 2) -> str:
    """A kept recording of two tones; its digest."""
    times = np.arange(int(seconds * rate)) / rate
    rows = [0.3 * np.sin(2 * np.pi * hertz * times) for hertz in (220.0, 330.0)[:channels]]
    path = home / f"tones-{seconds}-{rate}-{channels}.wav"
    soundfile.write(path, np.stack(rows, axis=1), rate, subtype="FLOAT")
    digest = checked(path)
    keep(path, digest, home)
    return digest


ORDERS = {
    "mono": {}, "stereo": {}, "melody": {"audio": "melody"}, "continuation": {"audio": "continuation"},
    "long": {"duration": 2.9}, "loop": {"loop": True}, "untold-melody": {},
}  # fmt: skip


def ordered(home: Path, order: str) -> tuple[str, dict[str, object]]:
    """(kind of checkpoint, changes of the controls) of an order."""
    changes: dict[str, object] = dict(ORDERS[order])
    if "audio" in changes:
        changes["audio"] = AudioReference(str(changes["audio"]), recorded(home, 1.5), "CC0-1.0")
    kind = {"stereo": "stereo", "melody": "melody", "untold-melody": "melody"}.get(order, "mono")
    return kind, changes


@pytest.mark.parametrize("order", ORDERS)
def test_a_take_sounds_the_same_alone_shuffled_and_at_any_row(opened: Open, home: Path, order: str) -> None:
    kind, changes = ordered(home, order)
    generator = opened(kind)
    takes = [request(seed, f"music {seed}", **changes) for seed in range(BATCH)]
    together = [rendition.premaster for rendition in generator.generate(takes)]
    backwards = [rendition.premaster for rendition in generator.generate(takes[::-1])][::-1]
    alone = [generator.generate([take] * BATCH)[1].premaster for take in takes]
    mixed = generator.generate([takes[0], request(99, "other", duration=1.0), takes[2]])
    for row in range(BATCH):
        np.testing.assert_array_equal(together[row], backwards[row])
        np.testing.assert_array_equal(together[row], alone[row])
    np.testing.assert_array_equal(together[0], mixed[0].premaster)
    np.testing.assert_array_equal(together[2], mixed[2].premaster)
    assert not np.array_equal(together[0], together[1])


@pytest.mark.parametrize("order", ORDERS)
def test_sound_is_stereo_float_of_the_exact_length(opened: Open, home: Path, order: str) -> None:
    kind, changes = ordered(home, order)
    for rendition, length in zip(
        opened(kind).generate([request(n, duration=d, **{k: v for k, v in changes.items() if k != "duration"})
                               for n, d in enumerate((0.5, 1.00001, 2.9))]),
        (16000, 32000, 92800), strict=True,
    ):  # fmt: skip
        assert rendition.sample_rate == RATE
        assert rendition.premaster.dtype == np.float32
        assert rendition.premaster.shape == (2, length)
        assert rendition.premaster.flags.c_contiguous
        assert rendition.premaster.std() > 1e-3
        assert np.array_equal(*rendition.premaster) is (kind != "stereo")
        assert rendition.loop is bool(changes.get("loop"))


def test_prompt_controls_and_seed_matter_and_the_text_is_told(opened: Open) -> None:
    generator = opened()
    one, two, three = generator.generate([request(1), request(1, "a lullaby"), request(1, bpm=60.0)])
    assert not np.array_equal(one.premaster, two.premaster)
    assert not np.array_equal(one.premaster, three.premaster)
    assert one.facts["model_text"] == (
        "a chase. genre: rock. instrument: guitar. moods: tense. keywords: combat. bpm: 120. key: d minor"
    )


def test_facts_tell_the_windows(opened: Open) -> None:
    facts = opened().generate([request(1, duration=2.9)] * BATCH)[0].facts
    assert facts["windows"] == [[0.0, 1.2], [0.72, 1.92], [1.44, 2.64], [2.16, 2.9]]
    assert facts["seconds"] == 2.9


def test_what_a_window_made_stays_when_the_piece_goes_on(opened: Open) -> None:
    """A longer piece of the same seed begins with the samples of a shorter one, as far as no fade or codec reaches."""
    generator = opened()
    short, long = (generator.generate([request(5, duration=d)] * BATCH)[0].premaster for d in (1.2, 2.4))
    safe = int(0.5 * RATE)
    np.testing.assert_allclose(long[:, :safe], short[:, :safe], atol=1e-2)


def test_a_melody_and_a_continuation_follow_their_recordings(opened: Open, home: Path) -> None:
    for kind, role in (("melody", "melody"), ("mono", "continuation")):
        generator = opened(kind)
        takes = [request(7, duration=0.5)]
        for seconds, channels in ((1.5, 2), (3.0, 1)):
            reference = AudioReference(role, recorded(home, seconds, channels=channels), "CC0-1.0")
            takes.append(request(7, duration=0.5, audio=reference))
        sounds = [rendition.premaster.tobytes() for rendition in generator.generate(takes)]
        assert len(set(sounds)) == 3
        again = opened(kind).generate(takes)
        assert [rendition.premaster.tobytes() for rendition in again] == sounds
    assert again[1].facts["given_s"] == WINDOW * 2 // 5 / 50


def test_a_recording_that_is_gone_or_not_followed_is_told(opened: Open, home: Path) -> None:
    lost = request(1, audio=AudioReference("continuation", "0" * 64, "CC0-1.0"))
    with pytest.raises(RecordingError, match="is not on this machine"):
        opened().generate([lost] * BATCH)
    tune = request(1, audio=AudioReference("melody", recorded(home, 1.5), "CC0-1.0"))
    with pytest.raises(ValueError, match="follows no tune"):
        opened().generate([tune] * BATCH)


def test_both_formats_sound_the_same(opened: Open, tmp_path: Path) -> None:
    made = checkpoints.write_audiocraft(tmp_path, window_frames=WINDOW)
    summary = inspect(made.folder, made.text_encoder, made.codec)
    place = replace(summary.places()[0], batch_size=BATCH)
    theirs = create(tmp_path, place, **summary.options("tiny/original", whole_digest(file_digests(summary.files))))
    theirs.setup()
    takes = [request(seed) for seed in range(BATCH)]
    for one, other in zip(theirs.generate(takes), opened().generate(takes), strict=True):
        np.testing.assert_array_equal(one.premaster, other.premaster)


def test_a_batch_is_exactly_as_large_as_pinned(opened: Open, home: Path) -> None:
    with pytest.raises(ValueError, match="takes 3 requests at a time, not 1"):
        opened().generate([request(1)])
    with pytest.raises(ValueError, match="call setup"):
        built(home / "mono", home).generate([request(1)] * BATCH)


def test_profile_is_plain_and_tells_how_it_computes(opened: Open) -> None:
    profile = opened().profile()
    assert profile["batch"] == BATCH
    assert {"dtype", "kernels", "torch", "transformers", "codec", "text_encoder", "weights_digest"} <= profile.keys()
    assert profile["shape"]["window_frames"] == WINDOW  # type: ignore[index]


def test_changed_and_missing_files_are_refused_before_loading(opened: Open, tmp_path: Path) -> None:
    opened()
    folder = Path(shutil.copytree(opened()._pinned.folder, tmp_path / "moved"))
    generator = built(folder, tmp_path)
    (folder / "config.json").touch()
    generator.setup()  # other time, same bytes
    generator.teardown()
    with pytest.raises(ValueError, match="call setup"):
        generator.profile()
    checkpoints.edit_weights(folder, lambda weights: weights["decoder.lm_heads.0.weight"].add_(1))
    with pytest.raises(ChangedFilesError, match="another revision") as caught:
        generator.setup()
    assert str(caught.value).endswith(f"register what is there: `cueworks models add {folder} --name {generator.id}`")
    shutil.rmtree(folder)
    with pytest.raises(FileNotFoundError, match="cueworks models add"):
        generator.setup()


def test_a_changed_checkpoint_in_three_folders_is_registered_anew_with_all_of_them(tmp_path: Path) -> None:
    """Its first file may lie in any of them, and `models add` needs each."""
    folder, text, codec = (tmp_path / name for name in ("my weights", "text_encoder", "codec"))
    for home in (folder, text, codec):
        home.mkdir()
        (home / "config.json").write_text("{}")
    options = {"folder": str(folder), "text_encoder": str(text), "codec": str(codec), "format": "audiocraft"}
    names = ("codec/config.json", "config.json", "text_encoder/config.json")
    shape = Shape(width=64, layers=2, heads=4, feed_forward=256, streams=4, delays=mono_delays(4)).as_json()
    generator = create(tmp_path, Place(), id="o/own", revision="r", digest="0", stamp={name: [2, 1] for name in names},
                       shape=shape, **options)  # fmt: skip
    command = f"cueworks models add '{folder}' --name o/own --text-encoder {text} --codec {codec}"
    with pytest.raises(ChangedFilesError) as caught:
        generator.setup()
    assert f"`{command}`" in str(caught.value)


def test_a_file_that_came_later_is_never_loaded_in_the_place_of_a_registered_one(
    opened: Open, tmp_path: Path
) -> None:
    """Of several kinds of weights the first is read: one that is laid beside the registered ones was never hashed."""
    folder = Path(shutil.copytree(opened()._pinned.folder, tmp_path / "later"))
    weights = folder / "model.safetensors"
    torch.save(load(inspect(folder)), folder / "pytorch_model.bin")
    weights.rename(tmp_path / "aside")
    generator = built(folder, tmp_path)
    (tmp_path / "aside").rename(weights)
    with pytest.raises(ChangedFilesError, match=r"model\.safetensors would be loaded and was not there"):
        generator.setup()
    weights.unlink()
    generator.setup()


def test_files_that_change_while_they_are_loaded_are_refused(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(opened()._pinned.folder, tmp_path / "moving"))
    generator = built(folder, tmp_path)

    def changed(*_: object) -> None:
        checkpoints.edit_weights(folder, lambda weights: weights["decoder.lm_heads.0.weight"].add_(1))

    monkeypatch.setattr(room, "check_room", changed)
    with pytest.raises(ChangedFilesError, match="changed while they were loaded"):
        generator.setup()
    with pytest.raises(ValueError, match="call setup"):
        generator.profile()


def test_a_recording_is_heard_once_for_all_rows(opened: Open, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Path] = []
    true = recording.heard
    monkeypatch.setattr(recording, "heard", lambda path, *more: heard.append(path) or true(path, *more))
    audio = AudioReference("continuation", recorded(home, 1.5), "CC0-1.0")
    opened().generate([request(n, audio=audio) for n in range(BATCH)])
    assert len(heard) == 1


def test_too_little_memory_is_told_with_the_batch_that_fits(
    opened: Open, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened()
    summary = inspect(home / "mono")
    monkeypatch.setattr(room, "free_memory", lambda: room.host_bytes(summary, Place("cpu", 2)))
    with pytest.raises(NoRoomError, match="a batch of 2 fits: set CUEWORKS_BATCH=2"):
        built(home / "mono", home).setup()
    monkeypatch.setattr(room, "free_memory", lambda: 1 << 20)
    with pytest.raises(NoRoomError, match="not even a batch of 1 fits"):
        built(home / "mono", home).setup()


def test_a_device_is_checked_for_its_own_memory(home: Path, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    opened()
    summary = inspect(home / "mono")
    place: Place = summary.places()[1]
    monkeypatch.setattr(room, "free_device_bytes", lambda: room.device_bytes(summary, Place("cuda", 16)))
    with pytest.raises(NoRoomError, match=r"of GPU memory.*CUEWORKS_BATCH=16"):
        room.check_room(summary, place, "tiny")
    monkeypatch.setattr(room, "free_device_bytes", lambda: room.device_bytes(summary, place))
    room.check_room(summary, place, "tiny")


@pytest.mark.parametrize(("capability", "dtype"), [((7, 5), "float16"), ((8, 0), "bfloat16"), ((9, 0), "bfloat16")])
def test_older_devices_compute_in_the_half_that_they_have(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], dtype: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    assert room.settings_for(Place("cuda", 32)).dtype == dtype
    assert room.settings_for(Place("cpu", 4)).dtype == "bfloat16"


def test_a_generator_checks_itself_and_names_what_depends(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = opened()
    generator.self_check()
    monkeypatch.setattr("models.musicgen.proof.dependence", lambda *told: "a step with 120 behind it")
    with pytest.raises(BatchDependenceError, match="a step with 120 behind it depends on a row's place"):
        generator.self_check()


def test_places_need_more_for_larger_batches_and_tell_it(home: Path, opened: Open) -> None:
    opened()
    summary = inspect(home / "mono")
    host, device = summary.places()
    assert (host.device, device.device, device.batch_size) == ("cpu", "cuda", 32)
    assert host.resources.gpus == 0
    assert device.resources.gpus == 1
    needs = [room.device_bytes(summary, Place("cuda", batch)) for batch in (1, 8, 32)]
    assert needs == sorted(set(needs))
    assert device.resources.gpu_memory_mb >= needs[-1] / 2**20
    assert host.resources.memory_mb * 2**20 > summary.bytes


@pytest.mark.parametrize("batch", [2, 4, 32])
def test_another_batch_asks_for_its_rows_and_not_for_the_weights_again(opened: Open, home: Path, batch: int) -> None:
    opened()
    summary = inspect(home / "mono")
    for place, needed in zip(summary.places(), (room.host_bytes, room.device_bytes), strict=True):
        needs = Workshop("m:f", place, home, home).resized(batch).resources
        asked = needs.gpu_memory_mb if place.device == "cuda" else needs.memory_mb
        wanted = needed(summary, replace(place, batch_size=batch)) / 2**20
        assert wanted - 31 <= asked <= wanted + 31, "a megabyte a row is lost to rounding"
        assert place.device == "cpu" or needs.memory_mb == place.resources.memory_mb


def test_sound_that_is_no_number_is_an_error(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = opened()
    codec = generator._ready().codec
    monkeypatch.setattr(codec, "decode", lambda codes: np.full((1, codes.shape[1] * 640), np.nan, np.float32))
    with pytest.raises(SoundError, match=r"take 0+1: .*no numbers"):
        generator.generate([request(1)] * BATCH)


def test_a_loops_last_frame_leads_to_its_first() -> None:
    """A steady tone stays what it is: no step at the seam, no dip where it is folded."""
    length, extra = RATE * 2, fold_frames(RATE * 2, RATE)
    audio = np.arange(length + extra, dtype=np.float32)[None] / length
    loop = folded(audio, length)
    assert loop.shape == (1, length)
    assert loop[0, 0] == pytest.approx(audio[0, length])
    assert abs(loop[0, 0] - loop[0, -1]) == pytest.approx(1 / length, rel=0.1)
    noise = np.random.default_rng(0).normal(0, 1, (1, length + extra)).astype(np.float32)
    assert folded(noise, length)[0, :extra].std() == pytest.approx(1, abs=0.02)
    np.testing.assert_array_equal(folded(noise, length)[0, extra:], noise[0, extra:length])


def test_a_piece_fades_to_nothing_at_its_end_only() -> None:
    piece = faded(np.ones((2, RATE * 10), np.float32), RATE * 9, RATE)
    assert piece.shape == (2, RATE * 9)
    assert (piece[:, : RATE * 7] == 1).all()
    assert abs(piece[0, -1]) < 1e-6
    assert (np.diff(piece[0]) <= 0).all()
    assert faded(np.ones((1, 4), np.float32), 3, RATE).shape == (1, 3)
