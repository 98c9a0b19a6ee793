"""What credentials cost: `python -m tests.benchmarks.credentials [SECONDS]`.

Three minutes of 48 kHz 24-bit stereo as WAV, FLAC, MP3 and Ogg Vorbis are tagged and signed by a local authority, as a
release does it (one signer for many files, in one process), and read back; the fastest and the median of several
rounds are shown, file, digest and fsync included. The last line is `seconds for 3 minutes of WAV: <median>`.
"""

import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from services.mastering.encode import encode
from services.mastering.pcm import FULL_SCALE, Pcm
from services.provenance.credentials import Claim, LocalAuthority, Signed, Trust, read_file, sign_file, tag_file
from tests.benchmarks.machine import describe

FORMATS = ("wav", "flac", "mp3", "ogg")
RATE, ROUNDS = 48_000, 7
CLAIM = Claim(
    take_id="a" * 64, title="Exploration 1", generator="composer", revision="1", source_type="algorithmicMedia",
    prompt_sha256="b" * 64, licence="Apache-2.0", catalog="benchmark", producer="Cueworks",
    created_at=datetime(2026, 1, 1, tzinfo=UTC), master_sha256="c" * 64, isrc="QM-ABC-26-00001",
)  # fmt: skip


def sound(seconds: float) -> Pcm:
    """A few moving tones over soft noise: music enough for an encoder."""
    times = np.arange(int(seconds * RATE)) / RATE
    tones = sum(np.sin(2 * np.pi * pitch * times * (1 + 0.001 * np.sin(times))) for pitch in (110, 220, 331, 554))
    noise = np.random.default_rng(7).standard_normal((len(times), 2)) * 0.01
    samples = (tones[:, None] * 0.15 + noise) * (FULL_SCALE * 0.5)
    return Pcm(RATE, np.ascontiguousarray(samples.clip(-FULL_SCALE, FULL_SCALE - 1), dtype=np.int32))


def measure(
    source: Path, folder: Path, signer: LocalAuthority, trust: Trust
) -> tuple[list[float], list[float], Signed]:
    """Seconds of signing and of reading back, round by round."""
    signing, reading = [], []
    for number in range(ROUNDS):
        target = folder / f"signed-{number}{source.suffix}"
        signed = sign_file(source, target, CLAIM, signer)
        start = time.perf_counter()
        state = read_file(target, signed.sidecar, trust).state
        reading.append(time.perf_counter() - start)
        signing.append(signed.seconds)
        if state != "trusted":
            raise SystemExit(f"{target}: {state}")
        target.unlink()
    return signing, reading, signed


def main(seconds: float = 180.0) -> None:
    print(describe())
    print(f"{seconds:.0f} s, 48 kHz, 24 bits, stereo; {ROUNDS} rounds, seconds of wall clock")
    print("format       MB  fastest   median  slowest  tags only  read back  added bytes")
    pcm, wav = sound(seconds), 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        signer, trust = LocalAuthority(folder / "c2pa"), Trust(folder / "c2pa")
        for format_ in FORMATS:
            source = folder / f"master.{format_}"
            encode(pcm, format_, source)
            size = source.stat().st_size
            tags = tag_file(source, folder / f"tagged.{format_}", CLAIM)
            signing, reading, signed = measure(source, folder, signer, trust)
            added = signed.bytes - size + (signed.sidecar.stat().st_size if signed.sidecar else 0)
            median = statistics.median(signing)
            wav = median if format_ == "wav" else wav
            print(
                f"{format_:8}{size / 1e6:7.1f}{min(signing):9.3f}{median:9.3f}{max(signing):9.3f}"
                f"{tags.seconds:11.3f}{statistics.median(reading):11.3f}{added:13,}"
            )
    print(f"seconds for 3 minutes of WAV: {wav:.3f}")


if __name__ == "__main__":
    main(*map(float, sys.argv[1:2]))
