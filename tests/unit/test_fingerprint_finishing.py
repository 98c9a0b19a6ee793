"""A finished take carries its fingerprint, whatever its length; nothing about it fails a take."""

from pathlib import Path

import numpy as np
import pytest

from models.controls import Controls
from models.generator import Rendition, Request
from services.catalog.runs import delivery_from_json
from services.provenance.fingerprints.ffmpeg import FfmpegMissingError
from services.rendering.finishing import create
from services.rendering.jobs import FinishedTake, Job
from tests.catalog_rows import CONTROLS, DELIVERY, new_take
from tests.unit.fingerprint_sounds import music


def finished(home: Path, seconds: float) -> FinishedTake:
    mono = music(1, seconds, 48000).astype(np.float32)
    controls = Controls.from_json({**CONTROLS, "loop": False, "duration": seconds})
    job = Job(Request("a" * 64, "", 1, controls), delivery_from_json(DELIVERY), new_take(1).folder)
    return create(home).finish(job, Rendition(48000, np.stack([mono, mono])))


def test_a_finished_take_carries_its_fingerprint(tmp_path: Path) -> None:
    take = finished(tmp_path, 6.0)
    assert take.fingerprint is not None
    assert take.fingerprint.pcm_sha256 == take.pcm_sha256
    assert len(take.fingerprint.words) > 80
    assert take.seconds["fingerprint"] >= 0


def test_a_take_too_short_for_one_has_an_empty_one(tmp_path: Path) -> None:
    take = finished(tmp_path, 1.0)
    assert take.fingerprint is not None
    assert take.fingerprint.words == b""


def test_a_take_is_finished_without_ffmpeg_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> str:
        raise FfmpegMissingError("no ffmpeg")

    monkeypatch.setattr("services.provenance.fingerprints.ffmpeg.ffmpeg_path", missing)
    take = finished(tmp_path, 6.0)
    assert take.fingerprint is None
    assert take.assets
