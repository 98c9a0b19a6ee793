"""Recordings at a model's rate: the samples of the whole, in the memory of a piece."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torchaudio.functional import resample

from models.musicgen.recording import heard

RATE = 32000


def noise(path: Path, seconds: float, rate: int, channels: int) -> Path:
    samples = np.random.default_rng(rate).uniform(-0.5, 0.5, (int(seconds * rate) + 17, channels))
    soundfile.write(path, samples.astype(np.float32), rate, subtype="FLOAT")
    return path


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [8000, 11025, 32000, 44100, 48000, 192000])
@pytest.mark.parametrize("seconds", [1.0, 61.3])
def test_the_samples_are_those_of_the_whole(tmp_path: Path, rate: int, channels: int, seconds: float) -> None:
    path = noise(tmp_path / "noise.wav", seconds, rate, channels)
    whole = torch.from_numpy(soundfile.read(path, dtype="float32", always_2d=True)[0].T.copy())
    expected = resample(whole, rate, RATE, lowpass_filter_width=24, rolloff=0.945).numpy()
    np.testing.assert_array_equal(heard(path, RATE), expected)
    end = resample(whole[:, -int((5000 / RATE + 1) * rate) :], rate, RATE, lowpass_filter_width=24, rolloff=0.945)
    np.testing.assert_array_equal(heard(path, RATE, 5000), end.numpy()[:, -5000:])


def test_minutes_at_a_studios_rate_take_little_more_than_what_comes_out(tmp_path: Path) -> None:
    """At once they would take ten times as much: every sample of the file, padded and folded."""
    path = noise(tmp_path / "noise.wav", 120.0, 192000, 2)
    program = (
        "import resource, sys, pathlib, numpy, torch, torchaudio.functional\n"
        "from models.musicgen.recording import heard\n"
        "heard(pathlib.Path(sys.argv[1]), 32000, 1000)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "made = heard(pathlib.Path(sys.argv[1]), 32000)\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024, made.nbytes)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    taken, made = map(int, done.stdout.split())
    assert made < 32_000_000
    assert taken < 240_000_000
