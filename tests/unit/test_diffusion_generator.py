"""Pipelines as generators, from a saved folder to sound: one take one sound, exact lengths, recordings, refusals."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file

from models.controls import AudioReference, Controls, Denoising, Theme
from models.diffusion import room
from models.diffusion.adapter import Call, TextTooLongError, in_pieces
from models.diffusion.checkpoint import inspect
from models.diffusion.families import AUDIOLDM2, FAMILIES, STABLE_AUDIO
from models.diffusion.generator import Diffusion, SoundError, create
from models.diffusion.loading import loaded, quiet
from models.diffusion.schedulers import prepared
from models.diffusion.streams import stream
from models.families import CheckpointError
from models.generator import BatchDependenceError, NoRoomError, Request
from models.pinning import ChangedFilesError, file_digests, whole_digest
from models.references import RecordingError, checked, keep
from tests import pipelines

RATE, BATCH = pipelines.RATE, 2
CONTROLS = Controls(
    state="combat", genre="rock", mood="tense", bpm=120.0, key="D minor", meter="4/4", instruments=("guitar",),
    excluded=(), bars=1, duration=0.9, form="A", intensity=3, loop=False, theme=Theme(1), denoising=Denoising(steps=2),
)  # fmt: skip
LONG = "the calm dark night of a forest, in many more words than its neighbours have"
Open = Callable[[str], Diffusion]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pipelines")


@pytest.fixture(scope="module")
def opened(home: Path) -> Open:
    """Generators of every family, set up once each."""
    made: dict[str, Diffusion] = {}

    def open_(kind: str) -> Diffusion:
        if kind not in made:
            options = {"window": 256} if kind == "stable-audio" else {}
            made[kind] = built(pipelines.write(home / kind, kind, **options), home)
            made[kind].setup()
        return made[kind]

    return open_


def built(folder: Path, cache: Path, batch: int = BATCH) -> Diffusion:
    summary = inspect(folder)
    place = replace(summary.places()[0], batch_size=batch)
    return create(cache, place, **summary.options(f"tiny/{folder.name}", whole_digest(file_digests(summary.files))))


def request(seed: int, prompt: str = "a chase", **changes: Any) -> Request:
    return Request(f"{seed:064x}", prompt, seed, replace(CONTROLS, **changes))


def recorded(home: Path, rate: int = 44100, channels: int = 2) -> AudioReference:
    """A kept recording of two tones."""
    times = np.arange(int(1.2 * rate)) / rate
    rows = [0.3 * np.sin(2 * np.pi * hertz * times) for hertz in (220.0, 330.0)[:channels]]
    path = home / f"tones-{rate}-{channels}.wav"
    soundfile.write(path, np.stack(rows, axis=1), rate, subtype="FLOAT")
    digest = checked(path)
    keep(path, digest, home)
    return AudioReference("variation", digest, "CC0-1.0")


def call(prompt: str, generator: Diffusion, **changes: Any) -> Call:
    """A call with one row, of a second."""
    frames = generator._ready().frames(RATE)
    shape = generator._shape
    plain = Call([prompt], [""], frames * shape.hop / RATE, frames, 2, shape.guidance, [stream(7)])
    return replace(plain, **changes)


@pytest.mark.parametrize("kind", pipelines.KINDS)
def test_a_take_sounds_the_same_alone_shuffled_and_beside_other_takes(opened: Open, home: Path, kind: str) -> None:
    generator = opened(kind)
    varies = {"audio": recorded(home), "denoising": Denoising(steps=2, strength=0.5)} if kind != "audioldm2" else {}
    against = {"denoising": Denoising(steps=2, guidance=4.0, negative="sad slow")}
    takes = [request(1), request(2, LONG), request(3, **against), request(4, LONG, loop=True), request(5, **varies)]
    alone = [generator.generate([take] * BATCH) for take in takes]
    for first, second in alone:
        np.testing.assert_array_equal(first.premaster, second.premaster)
    for here, there in ((0, 1), (1, 0), (2, 4), (4, 2), (3, 0)):
        for index, rendition in zip((here, there), generator.generate([takes[here], takes[there]]), strict=True):
            np.testing.assert_array_equal(rendition.premaster, alone[index][0].premaster)
    sounds = [renditions[0].premaster for renditions in alone]
    assert len({sound.tobytes() for sound in sounds}) == len(takes)
    for sound in sounds:
        assert sound.shape == (2, 14400) and sound.dtype == np.float32 and sound.flags.c_contiguous
        assert 0.01 < sound.std() < 1 and np.isfinite(sound).all()
    assert alone[3][0].loop and abs(sounds[3][:, 0] - sounds[3][:, -1]).max() < 0.5
    assert np.array_equal(*sounds[0]) is (kind == "audioldm2")
    generator.self_check()


@pytest.mark.parametrize("kind", pipelines.KINDS)
def test_the_pipeline_alone_comes_to_the_same_latents(opened: Open, home: Path, kind: str) -> None:
    """Texts read beforehand and masked padding change nothing but last bits, at and without guidance."""
    generator = opened(kind)
    bare = pipelines.build(kind, **({"window": 256} if kind == "stable-audio" else {}))
    bare.set_progress_bar_config(disable=True)
    for guidance in (1.0, 4.0):
        text = generator._shaper.text("a chase", CONTROLS)
        ours = call(text, generator, guidance=guidance)
        told: dict[str, Any] = {
            "stable-audio": {"audio_end_in_s": ours.seconds},
            "stable-audio-3": {"duration": ours.seconds},
            "audioldm2": {"audio_length_in_s": ours.seconds},
            "ace-step": {"audio_duration": ours.seconds - 0.01, "lyrics": "[Instrumental]", "bpm": 120,
                         "vocal_language": "unknown", "keyscale": "D minor", "timesignature": "4"},
        }[kind]  # fmt: skip
        prompt = "a chase, rock, guitar, tense, combat" if kind == "ace-step" else text
        if kind == "ace-step":  # whole seconds stand in the form
            form = bare._format_prompt(prompt, bpm=120, keyscale="D minor", timesignature="4", audio_duration=0.9)[0]
            assert form == text
            ours = replace(ours, texts=[text.replace("0 seconds", f"{int(told['audio_duration'])} seconds")])
        theirs = bare(
            prompt, num_inference_steps=2, guidance_scale=guidance, generator=stream(7), output_type="latent", **told
        ).audios
        with torch.inference_mode():
            made = generator._ready().denoised(ours)
        torch.testing.assert_close(made, theirs, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("kind", pipelines.KINDS)
def test_the_type_of_a_gpu_runs_through_every_part(home: Path, opened: Open, kind: str) -> None:
    generator = opened(kind)
    shape = generator._shape
    adapter = loaded(inspect(home / kind).files, shape, "cpu", "bfloat16")
    with torch.inference_mode():
        sound = adapter.sound(adapter.denoised(call("a chase", generator, guidance=3.0, negatives=["sad"])))
    assert np.isfinite(sound).all() and sound.std() > 1e-3


def scheduled(home: Path, opened: Open, kind: str, name: str, **config: Any) -> Diffusion:
    """A generator with another scheduler."""
    import diffusers

    generator = opened(kind)
    adapter: Any = loaded(inspect(home / kind).files, generator._shape, "cpu", "float32")
    told = dict(adapter.pipeline.scheduler.config) if kind == "audioldm2" else {"sigma_min": 0.3, "sigma_max": 500.0}
    with quiet():
        made = prepared(getattr(diffusers, name).from_config({**told, **config}))
    adapter.pipeline.scheduler = made
    if hasattr(adapter, "_scheduler"):
        adapter._scheduler = made
    other = built(home / kind, home)
    other._adapter, other._dtype = adapter, "float32"
    return other


SCHEDULERS = [(AUDIOLDM2.name, name, {}) for name in AUDIOLDM2.parts["scheduler"].classes]
SCHEDULERS += [(AUDIOLDM2.name, "DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"})]
SCHEDULERS += [(STABLE_AUDIO.name, name, {}) for name in STABLE_AUDIO.parts["scheduler"].classes[1:]]
SCHEDULERS += [(STABLE_AUDIO.name, "EDMDPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"})]


@pytest.mark.parametrize(("kind", "name", "config"), SCHEDULERS)
def test_every_scheduler_draws_from_a_rows_own_stream(
    home: Path, opened: Open, kind: str, name: str, config: dict[str, Any]
) -> None:
    generator = scheduled(home, opened, kind, name, **config)
    for steps in (4,) if name == "PNDMScheduler" else (1, 3):
        short = {"denoising": Denoising(steps=steps), "duration": 0.3}
        one, other = request(1, **short), request(2, LONG, **short)
        first, second = (rendition.premaster for rendition in generator.generate([one, other]))
        turned = [rendition.premaster for rendition in generator.generate([other, one])]
        np.testing.assert_array_equal(turned, [second, first])
        assert not np.array_equal(first, second)


def test_a_variation_is_what_the_pipeline_for_it_makes(opened: Open, home: Path) -> None:
    from diffusers import StableAudio3AudioToAudioPipeline

    generator = opened("stable-audio-3")
    bare = StableAudio3AudioToAudioPipeline(**pipelines.build("stable-audio-3").components)
    bare.set_progress_bar_config(disable=True)
    samples = generator._recording(recorded(home), call("", generator).latents * 256)
    given = generator._ready().heard(samples, call("", generator).latents)
    ours = call("a chase", generator, strength=0.4, given=[given], guidance=1.0)
    theirs = bare(
        "a chase", duration=ours.seconds, audio=torch.from_numpy(samples)[None], init_noise_level=0.4,
        num_inference_steps=2, generator=stream(7), output_type="latent",
    ).audios  # fmt: skip
    with torch.inference_mode():
        torch.testing.assert_close(generator._ready().denoised(ours), theirs, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("kind", ["stable-audio-3", "ace-step"])
def test_strength_goes_from_the_recording_to_noise_alone(opened: Open, home: Path, kind: str) -> None:
    generator = opened(kind)
    for rate, channels in ((8000, 1), (48000, 2)):
        audio = recorded(home, rate, channels)
        takes = [request(1, audio=audio, denoising=Denoising(steps=2, strength=strength)) for strength in (0.2, 1.0)]
        little, whole = generator.generate(takes)
        plain = generator.generate([request(1)] * BATCH)[0]
        np.testing.assert_allclose(whole.premaster, plain.premaster, atol=1e-4)
        assert abs(little.premaster - plain.premaster).max() > 1e-3
        assert little.facts["strength"] == 0.2 and abs(float(str(little.facts["given_s"])) - 0.9) < 0.03


def test_long_sounds_are_decoded_and_heard_in_pieces(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    from models.diffusion import stable_audio_3

    adapter = opened("stable-audio-3")._ready()
    latents = torch.randn((1, 8, 70), generator=stream(3))
    samples = torch.randn((2, 70 * 256), generator=stream(4)).numpy() * 0.1
    with torch.inference_mode():
        whole, heard = adapter.sound(latents), adapter.heard(samples, 70)
        monkeypatch.setattr(stable_audio_3, "PIECE", 16)
        np.testing.assert_allclose(adapter.sound(latents), whole, atol=1e-5)
        torch.testing.assert_close(adapter.heard(samples, 70), heard, rtol=1e-4, atol=1e-4)
    assert torch.equal(in_pieces(lambda x: x, latents, 16, 3, 1), latents)


def test_facts_and_profile_tell_what_was_asked_and_how_it_was_computed(opened: Open) -> None:
    generator = opened("stable-audio")
    one, two = generator.generate([request(1), request(1, denoising=Denoising(steps=3, guidance=2.0, negative="sad"))])
    assert one.facts["model_text"] == "a chase, rock, guitar, tense, combat, 120 BPM, D minor"
    assert (one.facts["steps"], one.facts["guidance"], one.facts["negative"]) == (2, 7.0, "")
    assert (two.facts["steps"], two.facts["guidance"], two.facts["negative"]) == (3, 2.0, "sad")
    assert one.facts["scheduler"] == "CosineDPMSolverMultistepScheduler" and one.facts["latent_frames"] == 256
    profile = generator.profile()
    assert profile["dtype"] == "float32" and profile["diffusers"] == "0.42.1" and profile["threads"] == 1


def test_defaults_are_those_of_the_installed_pipelines() -> None:
    from inspect import signature

    import diffusers

    for family in FAMILIES.values():
        told = signature(getattr(diffusers, family.classes[0]).__call__).parameters
        assert told["num_inference_steps"].default in (family.steps, None)
        assert told["guidance_scale"].default == family.guidance


def test_what_cannot_be_done_is_said(opened: Open, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = opened("audioldm2")
    audio = recorded(home)
    with pytest.raises(ValueError, match="takes 2 requests at a time, not 1"):
        generator.generate([request(1)])
    with pytest.raises(ValueError, match="makes nothing of a recording for a variation"):
        generator.generate([request(1, audio=audio)] * BATCH)
    with pytest.raises(ValueError, match="makes takes of up to"):
        generator.generate([request(1, duration=99.0)] * BATCH)
    with pytest.raises(TextTooLongError, match="tokens, and 128 are read"):
        generator.generate([request(1, "x " * 200)] * BATCH)
    other = opened("ace-step")
    with pytest.raises(ValueError, match="melody"):
        other.generate([request(1, audio=replace(audio, role="melody"))] * BATCH)
    with pytest.raises(RecordingError, match="not on this machine"):
        other.generate([request(1, audio=replace(audio, sha256="0" * 64))] * BATCH)
    monkeypatch.setattr("models.musicgen.recording.heard", lambda *_, **__: np.full((1, 99), np.nan, np.float32))
    with pytest.raises(RecordingError, match="no numbers"):
        other.generate([request(1, audio=audio)] * BATCH)
    monkeypatch.setattr(other._adapter, "sound", lambda _: np.full((2, RATE), np.inf, np.float32))
    with pytest.raises(SoundError, match=f"take {1:064x}"):
        other.generate([request(1)] * BATCH)


def test_threads_that_share_rows_unevenly_are_refused(opened: Open, home: Path) -> None:
    """One of three rows between two threads: at some lengths, without guidance, its last bits are others."""
    opened("audioldm2")
    generator = built(home / "audioldm2", home, batch=3)
    generator._place = replace(generator._place, resources=replace(generator._place.resources, threads=2))
    with pytest.raises(BatchDependenceError, match=r"2 threads cannot share 3 rows evenly.* multiple of 2, or to 1"):
        generator.self_check()


def test_recordings_are_heard_as_far_as_a_take_goes_and_once(
    opened: Open, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator, audio = opened("stable-audio-3"), recorded(home)
    varied = request(9, audio=audio, duration=0.35, denoising=Denoising(steps=1, strength=0.5))
    first = generator.generate([varied] * BATCH)[0]
    assert 0.34 < float(str(first.facts["given_s"])) < 0.4
    monkeypatch.setattr("models.musicgen.recording.heard", None)  # not even opened again
    np.testing.assert_array_equal(generator.generate([varied] * BATCH)[1].premaster, first.premaster)
    with pytest.raises(ValueError, match=r"of strength 0.01 to 1, not 0.001"):
        generator.generate([request(9, audio=audio, duration=0.35, denoising=Denoising(strength=0.001))] * BATCH)


def test_long_takes_are_told_where_there_is_no_room(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = opened("ace-step")
    monkeypatch.setattr(room, "free_memory", lambda: 1 << 20)
    room.check_call(generator._shape, generator._place, "float32", 400, "tiny")  # as long as usual ones
    with pytest.raises(NoRoomError, match=r"for takes of 500 s.* order shorter ones"):
        generator.generate([request(1, duration=500.0)] * BATCH)
    device = generator._place
    assert room.device_bytes(generator._shape, device, "float32") > room.device_bytes(generator._shape, device)


def test_a_row_that_knows_its_place_is_found(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = opened("audioldm2")
    adapter: Any = generator._ready()
    plain = adapter.denoised
    monkeypatch.setattr(adapter, "denoised", lambda told: plain(told) + torch.arange(BATCH)[:, None, None, None] * 1e-6)
    with pytest.raises(BatchDependenceError, match="a long take depends on a row's place"):
        generator.self_check()


def test_files_and_room_are_looked_at_before_loading(home: Path, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    opened("stable-audio-3")
    generator = built(home / "stable-audio-3", home, batch=4)
    monkeypatch.setattr(room, "free_memory", lambda: 100 << 20)
    with pytest.raises(NoRoomError, match="not even a batch of 1 fits"):
        generator.setup()
    config = home / "stable-audio-3" / "transformer" / "config.json"
    config.write_text(config.read_text() + " ")
    with pytest.raises(ChangedFilesError, match=r"transformer/config.json changed since"):
        generator.setup()


def test_only_files_that_were_looked_at_are_loaded(home: Path, opened: Open, tmp_path: Path) -> None:
    """Libraries prefer an index of shards and follow names in configurations; what comes later is refused as well."""
    opened("audioldm2")
    folder = shutil.copytree(home / "audioldm2", tmp_path / "other")
    generator, summary = built(folder, home), inspect(folder)
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    kept = load_file(weights)["conv_in.weight"]
    shutil.copy(weights, folder / "unet" / "evil.safetensors")
    pipelines.edit_weights(folder / "unet" / "evil.safetensors", lambda held: held["conv_in.weight"].zero_())
    index = {"metadata": {}, "weight_map": dict.fromkeys(load_file(weights), "evil.safetensors")}
    Path(f"{weights}.index.json").write_text(json.dumps(index))
    adapter: Any = loaded(summary.files, summary.shape, "cpu", "float32")
    assert torch.equal(adapter.pipeline.unet.conv_in.weight, kept)
    with pytest.raises(CheckpointError, match=r"index.json: belongs to no part[\s\S]*evil.safetensors: belongs"):
        generator.setup()


def test_what_is_said_against_is_read_whole(opened: Open) -> None:
    """Also where it is longer than the text, and where the two differ only in their ends."""
    adapter: Any = opened("audioldm2")._ready()
    with torch.inference_mode():
        ends = [adapter._text("calm", f"sad slow dark {word}", True) for word in ("forest", "guitar")]
    (one, mask, _), (other, _, _) = ends
    assert not torch.equal(one[0], other[0]) and torch.equal(one[1], other[1])
    assert mask[0].sum() > mask[1].sum()
