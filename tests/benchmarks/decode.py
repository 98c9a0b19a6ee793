"""MusicGen's decoder beside transformers' `generate`: `python -m tests.benchmarks.decode [--batches 1 4 16]`.

Both have the same random weights of the full-size small architecture (1024 wide, 24 layers), the same prompt, batch and
length, guidance 3 and top 250, and sample. Codes are what is made: neither decodes audio, and the text encoder is one
small layer. After a short warm-up the best of `--rounds` counts. Rooflines are measured in the same run: the bytes of
the matrices over the rate at which memory streams, or their operations over the rate of the fastest matrix product at
that number of rows, whichever takes longer. Where there is a CUDA device the batch is 32, and the bound counts keys and
values too. The last lines are `ratio fp32: <number>` and `ratio best: <number>`, the smallest over the batches.
"""

import argparse
import gc
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from torch import Tensor

from models.musicgen.engine import Condition, Engine, EngineSettings, fastest_on_cpu
from models.musicgen.kernels import linear_maker, runnable
from models.musicgen.shape import Shape, mono_delays
from tests.benchmarks.machine import describe
from tests.unit.musicgen_peers import Heard, peer_of, random_tensors

SMALL = Shape(width=1024, layers=24, heads=16, feed_forward=4096, streams=4, delays=mono_delays(4))
WORDS = 24  # tokens of the prompt
TOP_K, GUIDANCE = 250, 3.0
WARM_UP_FRAMES = 3
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Speed:
    """What one decoder did: seconds for a batch, and the most memory it held."""

    what: str
    dtype: str
    batch: int
    frames: int
    seconds: float
    peak: int

    @property
    def audio_rate(self) -> float:
        """Audio seconds made a second."""
        return self.batch * self.frames / SMALL.frame_rate / self.seconds

    @property
    def step(self) -> float:
        return self.seconds / (self.frames + SMALL.extra_steps)

    def row(self, note: str = "") -> str:
        told = f"{self.what:<13} {self.dtype:<22} {self.batch:>5} {self.audio_rate:>10.3f} {self.step * 1e3:>9.2f}"
        return f"{told} {self.peak / 2**30:>8.2f}  {note}"


HEADER = f"{'decoder':<13} {'dtype':<22} {'batch':>5} {'audio-s/s':>10} {'ms/step':>9} {'peak GiB':>8}"


def peer_model(tensors: dict[str, Tensor], dtype: str, device: str) -> Any:
    """transformers' whole model around its decoder, with a text encoder of one layer and a codec that is not asked."""
    from transformers import EncodecModel, MusicgenForConditionalGeneration, T5Config, T5EncoderModel

    from tests.checkpoints import codec_config

    text = T5EncoderModel(
        T5Config(vocab_size=256, d_model=SMALL.text_width, d_kv=64, d_ff=64, num_layers=1, num_heads=1)
    )
    model = MusicgenForConditionalGeneration(
        text_encoder=text, audio_encoder=EncodecModel(codec_config()), decoder=peer_of(SMALL, tensors)
    )
    model.enc_to_dec_proj.weight.data = tensors["enc_to_dec_proj.weight"]
    model.enc_to_dec_proj.bias.data = tensors["enc_to_dec_proj.bias"]
    special = dict(pad_token_id=SMALL.special, bos_token_id=SMALL.special, decoder_start_token_id=SMALL.special)
    model.generation_config.update(**special)
    return model.eval().to(device=device, dtype=DTYPES[dtype])


def peer_run(model: Any, batch: int) -> Callable[[int], Tensor]:
    """Codes of so many frames by transformers' `generate`."""
    heard = Heard()
    heard.listen(model)
    ids = torch.arange(3, 3 + WORDS, device=model.device).repeat(batch, 1)

    def run(frames: int) -> Tensor:
        model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=True, guidance_scale=GUIDANCE, top_k=TOP_K,
            max_new_tokens=frames + SMALL.extra_steps,
        )  # fmt: skip
        assert heard.codes is not None
        assert heard.codes.shape == (batch, SMALL.streams, frames)
        return heard.codes.cpu()

    return run


def our_run(engine: Engine, text: Tensor) -> Callable[[int], Tensor]:
    told = [Condition(text, None, "prompt")] * engine.settings.batch
    return lambda frames: engine.generate(told, range(engine.settings.batch), frames)


def measured(what: str, dtype: str, batch: int, frames: int, rounds: int, run: Callable[[int], Tensor]) -> Speed:
    """The best of `rounds`, after a warm-up."""
    run(WARM_UP_FRAMES)
    _forget_peak()
    best = float("inf")
    for _ in range(rounds):
        started = time.perf_counter()
        run(frames)  # its codes are on the host when it returns: nothing is still being computed
        best = min(best, time.perf_counter() - started)
    return Speed(what, dtype, batch, frames, best, _peak())


def _forget_peak() -> None:
    """Let the most memory held begin anew, where the system can."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    clear = Path("/proc/self/clear_refs")
    if os.access(clear, os.W_OK):
        clear.write_text("5")


def _peak() -> int:
    """The most bytes held: of the GPU where there is one, else of the process, shared weights included."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    told = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(told["VmHWM"].split()[0]) << 10


def best_of(times: int, work: Callable[[], object], device: str) -> float:
    """The fewest seconds that the work took."""
    best = float("inf")
    for _ in range(times):
        _wait(device)
        started = time.perf_counter()
        work()
        _wait(device)
        best = min(best, time.perf_counter() - started)
    return best


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def streamed_rate(device: str) -> float:
    """Bytes a second at which memory is read from end to end: far more of them than any cache holds."""
    numbers = torch.ones(128 << 20 if device == "cpu" else 1 << 30, device=device)
    return numbers.nbytes / best_of(6, numbers.sum, device)


def product_rate(rows: int, dtype: str) -> float:
    """Operations a second of the fastest matrix product at this number of rows, over more weights than caches hold."""
    kind, fastest = DTYPES[dtype], 0.0
    for kernels in {runnable(kernels, "cpu", kind) for kernels in ("plain", "packed")}:
        make = linear_maker(kernels, rows)
        linears = [make(torch.full((SMALL.feed_forward, SMALL.width), 0.01, dtype=kind)) for _ in range(16)]
        x = torch.ones(rows, SMALL.width, dtype=kind)
        seconds = best_of(6, lambda linears=linears, x=x: [linear(x) for linear in linears], "cpu")
        fastest = max(fastest, 2 * rows * SMALL.feed_forward * SMALL.width * 16 / seconds)
    return fastest


def step_operations(batch: int) -> int:
    """Multiplications and additions of a step's matrices: null rows hear no text, the heads see one row a take."""
    both = SMALL.layers * (4 * SMALL.width**2 + 2 * SMALL.width * SMALL.feed_forward)
    conditional = SMALL.layers * 2 * SMALL.width**2 + SMALL.streams * SMALL.cardinality * SMALL.width
    return 2 * (2 * batch * both + batch * conditional)


def key_value_bytes(engine: Engine, frames: int) -> int:
    """Bytes of keys and values that a step reads, in the mean over a piece."""
    position = 2 * SMALL.layers * SMALL.width * engine.state.past[0].keys.element_size()
    return position * engine.settings.batch * (2 * (frames + SMALL.extra_steps) // 2 + WORDS)


def roofline(engine: Engine, speed: Speed, rate: float) -> str:
    """How near a step came to what memory and arithmetic allow."""
    batch, device = engine.settings.batch, engine.settings.device
    reading = engine.weights.step_bytes / rate
    if device == "cuda":
        reading += key_value_bytes(engine, speed.frames) / rate
        return f"{reading / speed.step:.0%} of the bandwidth bound {reading * 1e3:.2f} ms"
    computing = step_operations(batch) / product_rate(2 * batch, engine.settings.dtype) if batch > 1 else 0.0
    bound, kind = max((reading, "bytes"), (computing, "operations"))
    return f"{bound / speed.step:.0%} of the roofline {bound * 1e3:.1f} ms ({kind})"


def our_settings(device: str, batch: int) -> list[EngineSettings]:
    """float32 first, then the fastest."""
    narrow = fastest_on_cpu(batch) if device == "cpu" else ("bfloat16", "plain")
    exact = ("float32", "packed" if device == "cpu" else "plain")
    return [
        EngineSettings(device=device, dtype=dtype, kernels=kernels, batch=batch, threads=torch.get_num_threads(),
                       guidance=GUIDANCE, top_k=TOP_K)
        for dtype, kernels in (exact, narrow)
    ]  # fmt: skip


def compare(
    tensors: dict[str, Tensor], batch: int, frames: int, options: argparse.Namespace, rate: float
) -> tuple[float, float]:
    """(fp32 to fp32, best to best) at one batch; prints a row for each decoder."""
    device, theirs, ours = options.device, [], []
    for dtype in options.dtypes:
        model = peer_model(tensors, dtype, device)
        text = model.text_encoder(torch.arange(3, 3 + WORDS, device=device)[None]).last_hidden_state[0].detach().float()
        theirs.append(measured("transformers", dtype, batch, frames, options.rounds, peer_run(model, batch)))
        print(theirs[-1].row(), flush=True)
        del model
        gc.collect()
    for settings in our_settings(device, batch):
        engine = Engine(SMALL, tensors, settings)
        name = settings.dtype if engine.kernels == "plain" else f"{settings.dtype} {engine.kernels}"
        ours.append(measured("cueworks", name, batch, frames, options.rounds, our_run(engine, text)))
        note = f"{roofline(engine, ours[-1], rate)}; foretold {Engine.memory(SMALL, settings) / 2**30:.2f} GiB at 30 s"
        print(ours[-1].row(note), flush=True)
        del engine
        gc.collect()
    exact = ours[0].audio_rate / next(speed for speed in theirs if speed.dtype == "float32").audio_rate
    fastest, peer = max(ours, key=lambda s: s.audio_rate), max(theirs, key=lambda s: s.audio_rate)
    best = fastest.audio_rate / peer.audio_rate
    print(f"  batch {batch}: fp32/fp32 {exact:.2f}x; {fastest.dtype} / {peer.dtype} {best:.2f}x", flush=True)
    return exact, best


def main(arguments: Sequence[str] | None = None) -> None:
    has_cuda = torch.cuda.is_available()
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda" if has_cuda else "cpu")
    parser.add_argument("--batches", type=int, nargs="+", help="1 4 16 on a CPU, 32 on a GPU")
    parser.add_argument("--seconds", type=float, help="of music a take: 4 on a CPU, 30 on a GPU")
    parser.add_argument(
        "--dtypes", nargs="+", choices=list(DTYPES), default=["float32", "bfloat16"], help="of the peer"
    )
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args(arguments)
    if "float32" not in options.dtypes:
        parser.error("--dtypes must hold float32: it is what float32 is compared with")
    torch.set_num_threads(options.threads)
    cpu = options.device == "cpu"
    batches = options.batches or ([1, 4, 16] if cpu else [32])
    frames = round((options.seconds or (4.0 if cpu else 30.0)) * SMALL.frame_rate)
    print(f"{describe()}, {options.threads} threads, torch {torch.__version__}")
    print(
        f"GPU: {torch.cuda.get_device_name()}" if has_cuda else "GPU: none here, so the comparison on CUDA was not run"
    )
    rate = streamed_rate(options.device)
    print(f"memory streams {rate / 1e9:.1f} GB/s; pieces of {frames / SMALL.frame_rate:g} s; neither decodes audio")
    tensors = random_tensors(SMALL, spread=0.03)
    print(HEADER, flush=True)
    ratios = [compare(tensors, batch, frames, options, rate) for batch in batches]
    print(f"ratio fp32: {min(exact for exact, _ in ratios):.2f}")
    print(f"ratio best: {min(best for _, best in ratios):.2f}")


if __name__ == "__main__":
    main()
