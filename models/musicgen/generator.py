"""A registered MusicGen checkpoint as a generator: requests in, float sound out, one batch shape for all.

A take's codes come from the engine, its samples from the codec, row by row; neither knows the row's place or its
neighbours. What a take is depends on its prompt, controls, seed and recording, the checkpoint and the engine profile.
Nothing is downloaded, limited, encoded or recorded here.
"""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.controls import AudioReference
from models.families import CheckpointError
from models.generator import Audio, BatchDependenceError, Place, Rendition, Request
from models.musicgen.checkpoint import Summary, inspect, load
from models.musicgen.ending import faded, fold_frames, folded
from models.musicgen.prompting import Shaper
from models.musicgen.shape import Shape
from models.musicgen.tokens import load_tokenizer
from models.musicgen.windows import Window, joined, kept_of, windows_of
from models.pinning import Pinned

if TYPE_CHECKING:
    from torch import Tensor

    from models.musicgen.codec import Codec
    from models.musicgen.engine import Condition, Engine
    from models.musicgen.melody import Projection
    from models.musicgen.text import TextEncoder


class SoundError(RuntimeError):
    """What came out is no sound; the text says of which take."""


@dataclass(frozen=True)
class Plan:
    """What has to be made for one request. Frames of codes, but `length` and `extra` are samples."""

    text: str
    length: int
    extra: int  # samples beyond `length` that are folded into a loop
    windows: tuple[Window, ...]
    given: "Tensor | None"  # [streams, known] codes of the recording that the take goes on from
    tune: NDArray[np.float32] | None  # mono samples of the recording whose tune it follows

    @property
    def known(self) -> int:
        return self.windows[0].known

    @property
    def kind(self) -> tuple[int, int]:
        """Requests of one kind can share a batch."""
        return self.windows[-1].end, self.known


@dataclass(frozen=True)
class Loaded:
    """Everything that `setup` brings into memory."""

    engine: "Engine"
    text: "TextEncoder"
    codec: "Codec"
    projection: "Projection | None"
    summary: Summary


class MusicGen:
    """Implements `models.generator.Generator` for one checkpoint in one place."""

    def __init__(
        self, cache_dir: Path, place: Place, *, id: str, revision: str, digest: str, folder: str,
        text_encoder: str | None, codec: str | None, format: str, stamp: Mapping[str, list[int]],
        shape: Mapping[str, Any],
    ) -> None:  # fmt: skip
        """The options are those of `Summary.options`."""
        self.id, self.revision = id, revision
        self.batch_size, self.resources = place.batch_size, place.resources
        self._place, self._cache_dir = place, cache_dir
        beside = (Path(part) if part else None for part in (text_encoder, codec))
        self._pinned = Pinned(id, digest, stamp, Path(folder), *beside)
        self._shape = Shape.from_json(shape)
        self.sample_rate = self._shape.sample_rate
        self._shaper = Shaper()
        self._loaded: Loaded | None = None

    def setup(self) -> None:
        """Load the checkpoint, once its files are known to be those that were registered, and make room sure.

        Raises FileNotFoundError and `pinning.ChangedFilesError` for files, CheckpointError for what is in them, and
        NoRoomError where the pinned batch does not fit."""
        import torch

        from models.musicgen.room import check_room

        stood = self._pinned.check()
        summary = inspect(*self._pinned.folders)
        self._pinned.check_no_more(summary.files)
        if summary.shape != self._shape:
            raise CheckpointError([f"{self._pinned.folder}: another shape than the registered one; add it again"])
        check_room(summary, self._place, self.id)
        if self._place.device == "cpu":
            torch.set_num_threads(self._place.resources.threads)
        loaded = _loaded(summary, self._place)
        self._pinned.check_stood(stood)
        self._loaded = loaded

    def generate(self, requests: Sequence[Request]) -> list[Rendition]:
        """One rendition per request, in order; exactly `batch_size` requests.

        Raises ValueError for another number, before `setup`, and for what the checkpoint cannot do;
        `references.RecordingError` for a recording that is not there; SoundError for what is no sound."""
        if len(requests) != self.batch_size:
            raise ValueError(f"{self.id} takes {self.batch_size} requests at a time, not {len(requests)}")
        parts = self._ready()
        audios = dict.fromkeys(request.controls.audio for request in requests)
        followed = {audio: self._recording(audio, parts) for audio in audios}
        plans = [self._plan(request, parts, *followed[request.controls.audio]) for request in requests]
        rows: list[Tensor | None] = [None] * len(plans)
        for kind in dict.fromkeys(plan.kind for plan in plans):
            alike = [row for row, plan in enumerate(plans) if plan.kind == kind]
            for row, codes in zip(alike, self._codes(parts, requests, plans, alike), strict=False):
                rows[row] = codes
        return [
            self._rendition(request, plan, codes, parts)
            for request, plan, codes in zip(requests, plans, rows, strict=True)
            if codes is not None
        ]

    def self_check(self) -> None:
        """Raise BatchDependenceError where a row's bits depend on its place or neighbours: in steps and readings that
        a short take never comes to. Takes a few steps on a processor, one by every captured graph on a GPU."""
        from models.musicgen.proof import dependence

        parts = self._ready()
        row, other = (
            self._condition(Plan(text, 0, 0, (Window(0, 0, 1),), None, None), Window(0, 0, 1), parts)
            for text in ("self-check", "the neighbours of a self-check")
        )
        if what := dependence(parts.engine, row, other):
            raise BatchDependenceError(f"{what} depends on a row's place in the batch or on its neighbours")

    def _ready(self) -> Loaded:
        if self._loaded is None:
            raise ValueError(f"{self.id} is not loaded yet: call setup() first")
        return self._loaded

    def _plan(
        self, request: Request, parts: Loaded, given: "Tensor | None", tune: NDArray[np.float32] | None
    ) -> Plan:
        controls, shape = request.controls, self._shape
        length = round(controls.duration * shape.sample_rate)
        extra = fold_frames(length, shape.sample_rate) if controls.loop else 0
        known = 0 if given is None else given.shape[1]
        frames = max(-(-(length + extra) // parts.codec.hop), 1)
        windows = windows_of(known + frames, shape.window_frames, known)
        return Plan(self._shaper.text(request.prompt, controls), length, extra, windows, given, tune)

    def _recording(
        self, audio: AudioReference | None, parts: Loaded
    ) -> "tuple[Tensor | None, NDArray[np.float32] | None]":
        """The codes to go on from, or the tune to follow, where there is a recording; heard once for all rows."""
        from models.musicgen.recording import heard
        from models.references import kept

        if audio is None:
            return None, None
        path, rate, shape = kept(audio.sha256, self._cache_dir), self._shape.sample_rate, self._shape
        if audio.role == "melody":
            if not shape.chroma_bins:
                raise ValueError(f"{self.id} follows no tune: it is no melody checkpoint")
            return None, heard(path, rate).mean(axis=0)
        most = kept_of(shape.window_frames)
        return parts.codec.encode(heard(path, rate, most * parts.codec.hop))[:, -most:], None

    def _codes(
        self, parts: Loaded, requests: Sequence[Request], plans: Sequence[Plan], alike: Sequence[int]
    ) -> "Tensor":
        """Codes [batch, streams, frames] of requests of one kind, in one batch that the last of them fills up."""
        import torch

        rows = [*alike, *[alike[-1]] * (self.batch_size - len(alike))]
        seeds = [requests[row].seed for row in rows]
        known = [plans[row].given for row in rows]
        given = torch.stack([codes for codes in known if codes is not None]) if known[0] is not None else None

        def make(window: Window, codes: "Tensor | None") -> "Tensor":
            conditions = [self._condition(plans[row], window, parts) for row in rows]
            return parts.engine.generate(conditions, seeds, window.frames, codes, window.first)

        return joined(plans[alike[0]].windows, given, make)

    def _condition(self, plan: Plan, window: Window, parts: Loaded) -> "Condition":
        from models.musicgen.engine import Condition
        from models.musicgen.melody import chroma, stretch

        text = parts.text.encode(plan.text)
        if parts.projection is None:
            return Condition(text, None, plan.text)
        shape, tune, key = self._shape, None, plan.text
        if plan.tune is not None:
            first = (window.first - plan.known) * parts.codec.hop
            part = stretch(plan.tune, first, shape.window_frames * parts.codec.hop)
            tune, key = chroma(part, shape.sample_rate, shape.chroma_bins), f"{hash_of(part)} {plan.text}"
        return Condition(text, parts.projection.prefix(tune, text), key)

    def _rendition(self, request: Request, plan: Plan, codes: "Tensor", parts: Loaded) -> Rendition:
        """The finished sound of a row's codes [streams, frames]; given ones are heard by the codec, then left out."""
        audio = parts.codec.decode(codes)[:, plan.known * parts.codec.hop :]
        if not np.isfinite(audio).all():
            raise SoundError(f"take {request.take_id}: the codec of {self.id} made values that are no numbers")
        loop = request.controls.loop
        cut = folded(audio[:, : plan.length + plan.extra], plan.length) if loop else (
            faded(audio, plan.length, self.sample_rate))  # fmt: skip
        premaster: Audio = np.ascontiguousarray(np.repeat(cut, 2 // len(cut), axis=0), np.float32)
        return Rendition(self.sample_rate, premaster, loop=loop, facts=self._facts(plan))

    def _facts(self, plan: Plan) -> dict[str, object]:
        rate = self._shape.frame_rate
        made = [[max(window.first - plan.known, 0) / rate, (window.end - plan.known) / rate] for window in plan.windows]
        return {
            "model_text": plan.text,
            "windows": made,
            "seconds": made[-1][1],
            "given_s": plan.known / rate,
            "follows_tune": plan.tune is not None,
        }

    def profile(self) -> dict[str, object]:
        """How it computes, in plain values; after `setup`."""
        import torch

        parts = self._ready()
        return {
            **parts.engine.profile(),
            "batch": self.batch_size,
            "machine": platform.machine(),
            "instruction_set": torch.backends.cpu.get_cpu_capability(),
            "numpy": version("numpy"),
            **{name: version(name) for name in ("transformers", "tokenizers", "torchaudio", "soundfile")},
            "text_encoder": {"dtype": "float32", **parts.summary.text_config},
            "codec": {"dtype": "float32", **parts.summary.codec_config},
            "shape": self._shape.as_json(),
            "weights_digest": self._pinned.digest,
        }

    def teardown(self) -> None:
        """Let go of the weights and of the memory that the device holds for them."""
        import gc

        import torch

        self._loaded = None
        gc.collect()
        if self._place.device == "cuda":
            torch.cuda.empty_cache()


def hash_of(samples: NDArray[np.float32]) -> str:
    """A name for samples: the same ones have the same name."""
    import hashlib

    return hashlib.sha256(samples.tobytes()).hexdigest()


def _loaded(summary: Summary, place: Place) -> Loaded:
    from models.musicgen.codec import Codec
    from models.musicgen.engine import Engine
    from models.musicgen.melody import Projection
    from models.musicgen.room import settings_for
    from models.musicgen.text import TextEncoder

    shape, device = summary.shape, place.device
    tensors = load(summary)
    decoder = {name.removeprefix("decoder."): tensor for name, tensor in tensors.items()
               if name.startswith(("decoder.", "enc_to_dec_proj.", "audio_enc_to_dec_proj."))}  # fmt: skip
    return Loaded(
        engine=Engine(shape, decoder, settings_for(place)),
        text=TextEncoder(summary.text_config, tensors, load_tokenizer(summary.tokenizer), device),
        codec=Codec(summary.codec_config, tensors, shape.channels, shape.streams // shape.channels, device),
        projection=None if shape.cross_attention else Projection(shape, tensors, device),
        summary=summary,
    )


def create(cache_dir: Path, place: Place, **options: Any) -> MusicGen:
    """The generator of a card with these options; nothing is loaded before `setup`."""
    return MusicGen(cache_dir, place, **options)
