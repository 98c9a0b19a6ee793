"""A registered diffusion pipeline as a generator: requests in, float sound out, one batch shape for all.

A take's noise comes from its own stream, its text is read alone, its latents are decoded alone; the pipeline's call has
the same rows whatever is asked. What a take is depends on its prompt, controls, seed and recording, the checkpoint and
the engine profile. Nothing is downloaded, limited, encoded or recorded here.
"""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.controls import LEAST_STRENGTH, STRENGTH, VARIATION, AudioReference, Denoising
from models.diffusion.adapter import Adapter, Call, Kept
from models.diffusion.checkpoint import inspect
from models.diffusion.prompting import Shaper
from models.diffusion.shape import Shape
from models.families import CheckpointError
from models.generator import Audio, BatchDependenceError, Place, Rendition, Request
from models.musicgen.ending import faded, fold_frames, folded
from models.pinning import Pinned
from models.references import RecordingError, kept
from models.steady import steady_convolutions, steady_products, switches

if TYPE_CHECKING:
    from torch import Tensor

_MOST_GIVEN = 16  # recordings' latents that are kept


class SoundError(RuntimeError):
    """What came out is no sound; the text says of which take."""


@dataclass(frozen=True)
class Kind:
    """What a pipeline is told once for all rows of a call."""

    frames: int
    seconds: float
    steps: int
    guidance: float
    against: bool
    strength: float | None


@dataclass(frozen=True)
class Plan:
    """What has to be made for one request; `length` and `extra` (what is folded into a loop) are samples."""

    text: str
    negative: str
    length: int
    extra: int
    kind: Kind
    given: "Tensor | None"
    given_s: float


class Diffusion:
    """Implements `models.generator.Generator` for one pipeline in one place."""

    def __init__(
        self, cache_dir: Path, place: Place, *, id: str, revision: str, digest: str, folder: str,
        text_encoder: str | None, codec: str | None, format: str, stamp: Mapping[str, list[int]],
        shape: Mapping[str, Any],
    ) -> None:  # fmt: skip
        """The options are those of `Summary.options`."""
        self.id, self.revision = id, revision
        self.batch_size, self.resources = place.batch_size, place.resources
        self._place, self._cache_dir = place, cache_dir
        self._pinned = Pinned(id, digest, stamp, Path(folder))
        self._shape = Shape.from_json(shape)
        self.sample_rate = self._shape.sample_rate
        self._shaper = Shaper(self._shape.family, self._shape.text_tokens)
        self._dtype = ""
        self._adapter: Adapter | None = None
        self._given = Kept(_MOST_GIVEN)

    def setup(self) -> None:
        """Load the pipeline, once its files are known to be those that were registered, and make room sure.

        Raises FileNotFoundError and `pinning.ChangedFilesError` for files, CheckpointError for what is in them, and
        NoRoomError where the pinned batch does not fit."""
        import torch

        from models.diffusion.loading import loaded
        from models.diffusion.room import check_room, dtype_for

        stood = self._pinned.check()
        summary = inspect(self._pinned.folder)
        self._pinned.check_no_more(summary.files)
        if summary.shape != self._shape:
            raise CheckpointError([f"{self._pinned.folder}: another shape than the registered one; add it again"])
        self._dtype = dtype_for(self._place.device)
        check_room(self._shape, summary.bytes, self._place, self._dtype, self.id)
        if self._place.device == "cpu":
            torch.set_num_threads(self._place.resources.threads)
        if self._place.device == "cuda":
            steady_products()
        adapter = loaded(summary.files, self._shape, self._place.device, self._dtype)
        self._pinned.check_stood(stood)
        self._adapter = adapter

    def generate(self, requests: Sequence[Request]) -> list[Rendition]:
        """One rendition per request, in order; exactly `batch_size` requests.

        Raises ValueError for another number, before `setup`, and for what the pipeline cannot do;
        `references.RecordingError` for a recording that is not there or no sound; SoundError for what is no sound;
        NoRoomError for takes longer than usual that do not fit."""
        import torch

        from models.diffusion.room import check_call

        if len(requests) != self.batch_size:
            raise ValueError(f"{self.id} takes {self.batch_size} requests at a time, not {len(requests)}")
        adapter = self._ready()
        with torch.inference_mode(), steady_convolutions():
            plans = self._plans(requests, adapter)
            rows: list[Tensor | None] = [None] * len(plans)
            check_call(self._shape, self._place, self._dtype, max(plan.kind.frames for plan in plans), self.id)
            for kind in dict.fromkeys(plan.kind for plan in plans):
                alike = [row for row, plan in enumerate(plans) if plan.kind == kind]
                for row, latents in zip(alike, self._denoised(requests, plans, alike), strict=False):
                    rows[row] = latents[None]
            made = zip(requests, plans, rows, strict=True)
            return [self._rendition(request, plan, row) for request, plan, row in made if row is not None]

    def self_check(self) -> None:
        """Raise BatchDependenceError where a row's bits depend on its place or neighbours: in long takes, with words
        said against them, and from recordings. Takes one step of each."""
        from models.diffusion.proof import dependence

        threads = self._place.resources.threads
        if self._place.device == "cpu" and self.batch_size > 1 and self.batch_size % threads:
            raise BatchDependenceError(
                f"{threads} threads cannot share {self.batch_size} rows evenly, so that a row's last bits would depend "
                f"on its place in the batch: set CUEWORKS_BATCH to a multiple of {threads}, or to 1"
            )
        with steady_convolutions():
            what = dependence(self._ready(), self._shape, self.batch_size)
        if what:
            raise BatchDependenceError(f"{what} depends on a row's place in the batch or on its neighbours")

    def _ready(self) -> Adapter:
        if self._adapter is None:
            raise ValueError(f"{self.id} is not loaded yet: call setup() first")
        return self._adapter

    def _plans(self, requests: Sequence[Request], adapter: Adapter) -> list[Plan]:
        """What has to be made; a recording is read once for all rows that go from it."""
        plans = []
        for request in requests:
            audio, frames = request.controls.audio, adapter.frames(sum(self._lengths(request)))
            given, seconds = (None, 0.0) if audio is None else self._given.get(
                (audio.role, audio.sha256, frames), partial(self._heard, audio, frames, adapter)
            )  # fmt: skip
            plans.append(self._plan(request, frames, given, seconds))
        return plans

    def _heard(self, audio: AudioReference, frames: int, adapter: Adapter) -> "tuple[Tensor, float]":
        """(so many latent frames of a recording, seconds of it that are gone from)."""
        samples = self._recording(audio, frames * self._shape.hop)
        return adapter.heard(samples, frames), samples.shape[1] / self.sample_rate

    def _lengths(self, request: Request) -> tuple[int, int]:
        """(samples of a take, samples beyond them that are folded into a loop)."""
        length = round(request.controls.duration * self.sample_rate)
        if not 0 < request.controls.duration <= self._shape.longest_s:
            raise ValueError(f"{self.id} makes takes of up to {self._shape.longest_s:g} s")
        return length, fold_frames(length, self.sample_rate) if request.controls.loop else 0

    def _plan(self, request: Request, frames: int, given: "Tensor | None", given_s: float) -> Plan:
        asked, shape = request.controls.denoising or Denoising(), self._shape
        guidance = shape.guidance if asked.guidance is None or not shape.guided else float(asked.guidance)
        guided = shape.guided and guidance > 1
        negative = " ".join(asked.negative.split()) if shape.negative and guided else ""
        strength = None if given is None else STRENGTH if asked.strength is None else asked.strength
        if strength is not None and not LEAST_STRENGTH <= strength <= 1:
            raise ValueError(f"{self.id} makes variations of strength {LEAST_STRENGTH:g} to 1, not {strength:g}")
        length, extra = self._lengths(request)
        steps, seconds = max(asked.steps or shape.steps, shape.least_steps), (length + extra) / self.sample_rate
        kind = Kind(frames, seconds, steps, guidance if guided else 1.0, bool(negative), strength)
        text = self._shaper.text(request.prompt, request.controls)
        return Plan(text, negative, length, extra, kind, given, given_s)

    def _recording(self, audio: AudioReference, most: int) -> NDArray[np.float32]:
        """The samples [channels, n] that a take goes from, `most` of them at most."""
        from models.musicgen.recording import heard

        if audio.role != VARIATION or not self._shape.varies:
            raise ValueError(f"{self.id} makes nothing of a recording for a {audio.role}")
        path = kept(audio.sha256, self._cache_dir)
        samples = heard(path, self.sample_rate, first=most)
        if not np.isfinite(samples).all():
            raise RecordingError(f"{path} holds values that are no numbers; give another recording")
        return samples

    def _denoised(self, requests: Sequence[Request], plans: Sequence[Plan], alike: Sequence[int]) -> "Tensor":
        """Latents [batch, ...] of requests of one kind, in one call that the last of them fills up."""
        from models.diffusion.streams import stream

        rows = [*alike, *[alike[-1]] * (self.batch_size - len(alike))]
        kind = plans[alike[0]].kind
        given = [latents for row in rows if (latents := plans[row].given) is not None]
        return self._ready().denoised(Call(
            [plans[row].text for row in rows], [plans[row].negative for row in rows], kind.seconds, kind.frames,
            kind.steps, kind.guidance, [stream(requests[row].seed) for row in rows], kind.strength, given or None,
        ))  # fmt: skip

    def _rendition(self, request: Request, plan: Plan, latents: "Tensor") -> Rendition:
        """The finished sound of a row's latents [1, ...]."""
        audio = self._ready().sound(latents)
        if audio.shape[1] < plan.length + plan.extra or not np.isfinite(audio).all():
            raise SoundError(f"take {request.take_id}: {self.id} made values that are no numbers, or too few of them")
        loop = request.controls.loop
        cut = folded(audio[:, : plan.length + plan.extra], plan.length) if loop else (
            faded(audio, plan.length, self.sample_rate))  # fmt: skip
        premaster: Audio = np.ascontiguousarray(np.repeat(cut, 2 // len(cut), axis=0), np.float32)
        return Rendition(self.sample_rate, premaster, loop=loop, facts=self._facts(plan))

    def _facts(self, plan: Plan) -> dict[str, object]:
        """What was asked of the pipeline, its defaults filled in."""
        kind, shape = plan.kind, self._shape
        return {
            "pipeline": shape.pipeline, "model_text": plan.text, "negative": plan.negative, "steps": kind.steps,
            "guidance": kind.guidance, "scheduler": shape.scheduler, "latent_frames": kind.frames,
            "seconds": kind.seconds, "strength": kind.strength, "given_s": plan.given_s,
        }  # fmt: skip

    def profile(self) -> dict[str, object]:
        """How it computes, in plain values; after `setup`."""
        import torch

        self._ready()
        return {
            "batch": self.batch_size,
            "device": self._place.device,
            "dtype": self._dtype,
            "decoder_dtype": "float32",
            "threads": self._place.resources.threads,
            "scheduler": {"class": self._shape.scheduler, "config": self._shape.scheduler_digest},
            "pipeline": self._shape.pipeline,
            "torch": torch.__version__,
            "instruction_set": torch.backends.cpu.get_cpu_capability(),
            "machine": platform.machine(),
            **{name: version(name) for name in _LIBRARIES},
            **({"switches": switches()} if self._place.device == "cuda" else {}),
            "shape": self._shape.as_json(),
            "weights_digest": self._pinned.digest,
        }

    def teardown(self) -> None:
        """Let go of the weights and of the memory that the device holds for them."""
        import gc

        import torch

        self._adapter, self._given = None, Kept(_MOST_GIVEN)
        gc.collect()
        if self._place.device == "cuda":
            torch.cuda.empty_cache()


_LIBRARIES = ("diffusers", "transformers", "tokenizers", "torchsde", "torchaudio", "numpy", "scipy", "soundfile")


def create(cache_dir: Path, place: Place, **options: Any) -> Diffusion:
    """The generator of a card with these options; nothing is loaded before `setup`."""
    return Diffusion(cache_dir, place, **options)
