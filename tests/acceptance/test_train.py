"""`cueworks train`, from a catalog of the composer to takes of a model of the house: killed once, and gone on with."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from command import Cueworks, wait_until

COMPOSED = """
catalog: own
seed: 5
use: commercial-game
licensee: {kind: company, annual_revenue_usd: 400000}
theme: {bars: 2}
defaults: {key: D minor, loop: true, bars: 1, formats: [flac], bpm: 200}
cues:
  - {state: exploration, prompt: "calm strings", takes: 2}
  - {state: combat, prompt: "driving taiko", takes: 2}
"""
HOUSE = """
catalog: house
seed: 6
use: commercial-game
licensee: {kind: company, annual_revenue_usd: 400000}
generator: house/test
cues:
  - {state: combat, prompt: "driving taiko", bpm: 200, duration: 2, takes: 1}
"""
TRAIN = ("train", "own", "--name", "house/test", "--preset", "tiny", "--steps", 8, "--checkpoint-steps", 1)


def _brief(cueworks: Cueworks, name: str, text: str) -> Path:
    path = cueworks.home.with_name(f"{name}.yaml")
    path.write_text(text, encoding="utf-8")
    return path


def _run_folder(cueworks: Cueworks) -> Path | None:
    return next(iter((cueworks.home / "training").glob("*")), None) if (cueworks.home / "training").is_dir() else None


def _kill_while_it_learns(cueworks: Cueworks) -> Path:
    driver = cueworks.start(*TRAIN)
    wait_until(lambda: (folder := _run_folder(cueworks)) and list(folder.glob("codec/step-*.pt")), driver)
    driver.kill()
    driver.communicate()
    folder = _run_folder(cueworks)
    assert folder is not None
    assert not (folder / "model.json").exists()
    return folder


def test_a_model_of_the_house_from_the_composers_takes_to_its_own(quick: Cueworks) -> None:
    quick.settings = {**quick.settings, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    composed = quick.json("generate", _brief(quick, "own", COMPOSED))
    assert composed["counts"] == {"done": 4}
    folder = _kill_while_it_learns(quick)

    trained = quick.json(*TRAIN, "--executor", "ray")
    assert Path(trained["work"]) == folder
    codec, model = (trained["left"][stage] for stage in ("codec", "model"))
    assert 0 < codec["speed"]["steps"] < codec["steps"]  # it went on; that it is the same is held by test_training_*
    assert model["speed"]["steps"] == model["steps"]
    made = quick.json("generate", _brief(quick, "house", HOUSE))
    assert made["counts"] == {"done": 1}
    every = quick.takes()
    takes = [take for take in every.values() if take["catalog"] == "house"]
    assert {take["generator"] for take in takes} == {"house/test"}
    for take in takes:
        samples, rate = soundfile.read(take["assets"][0]["path"])
        assert len(samples) == 2 * rate
        assert np.isfinite(samples).all()

    _told(quick, trained, {id_ for id_, take in every.items() if take["catalog"] == "own"})
    assert quick.json("verify")["ok"]


def _told(cueworks: Cueworks, trained: dict[str, Any], own: set[str]) -> None:
    """The run, its takes and its licence are found from the model, whoever asks."""
    shown = cueworks.json("models", "show", "house/test")
    [run] = shown["trained"]
    assert (run["id"], run["catalogs"], run["takes"]) == (trained["training"], ["own"], 4)
    uses = {use["use"]: use["company"] for use in shown["uses"]}
    assert uses["internal-prototype"] == "allowed"
    assert uses["commercial-game"].startswith("allowed")
    told = cueworks.json("train", "--show", "house/test")
    assert {take["take"] for take in told["training_takes"]} == own
    assert {take["split"] for take in told["training_takes"]} == {"training", "held-out"}
    record = json.loads((Path(trained["folder"]) / "training.json").read_text(encoding="utf-8"))
    assert {take["take"] for take in record["takes"]} == own
    assert record["manifest_sha256"] == run["manifest_sha256"]
