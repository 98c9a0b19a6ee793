"""One brief, three families, one release: the composer, a token model and a diffusion pipeline make the same cue; what
is good enough is kept, compared, approved, released, traced and reproduced. All by the command line, as a studio would.
"""

import io
import json
import re
from collections import Counter
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from command import Cueworks

from flows.cli.errors import UsageError

TOKENS, NOISE = "studio/tiny-tokens", "studio/tiny-noise"
FAMILIES = {"composer", TOKENS, NOISE}
LICENCES = {TOKENS: "MIT", NOISE: "CC-BY-4.0"}
BRIEF = f"""
catalog: medley
title: One brief, three families
seed: 11
use: commercial-game
licensee: {{kind: company, annual_revenue_usd: 400000}}
zones:
  - {{name: ashwood, identity: "ancient forest, orchestral", key: D minor}}
  - {{name: saltcoast, identity: "windy coast, folk", key: G major}}
defaults: {{bpm: 120, formats: [flac], loop: false, takes: 1, steps: 3}}
cues:
  - state: combat
    prompt: epic battle with taiko drums
    duration: 7
    generator: [composer, {TOKENS}, {NOISE}]
    accept: {{budget: 2, key: exact}}
  - state: menu
    prompt: soft piano
    duration: 3
    takes: 2
    generator: [{TOKENS}, {NOISE}]
    accept: {{keep: 1, budget: 2, tempo: any, key: any, silence: any, clipping: any, end: any, duplicates: any}}
  - name: choir
    state: menu
    prompt: the hum as a choir
    duration: 3
    generator: {NOISE}
    vary: {{file: hum.wav, licence: CC0-1.0, source: hummed in this house, strength: 0.7}}
"""


@dataclass(frozen=True)
class Studio:
    """A home in which the brief was carried out. `varied` and `made` are what the two commands printed."""

    cueworks: Cueworks
    varied: dict[str, Any]
    made: dict[str, Any]
    takes: dict[str, dict[str, Any]]

    def of(self, **wanted: str) -> list[dict[str, Any]]:
        return [take for take in self.takes.values() if wanted.items() <= take.items()]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the brief, the recording that it names, and both checkpoints."""
    from tests import checkpoints, pipelines

    folder = tmp_path_factory.mktemp("shelf")
    checkpoints.write_transformers(folder / "tiny-tokens", "mono")
    pipelines.write(folder / "tiny-noise", "stable-audio")
    time = np.arange(4 * 32_000) / 32_000
    soundfile.write(folder / "hum.wav", 0.3 * np.sin(2 * np.pi * 220 * time), 32_000)
    (folder / "medley.yaml").write_text(BRIEF, encoding="utf-8")
    return folder


def _here(cueworks: Cueworks, *arguments: object) -> str:
    """What a command prints in this process, which has imported already what checkpoints are rendered with."""
    from flows.cli.app import app

    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as out:
        for name, text in cueworks.environment.items():
            patch.setenv(name, text)
        app([*map(str, arguments)], standalone_mode=False)
    return out.getvalue()


def _register(cueworks: Cueworks, shelf: Path) -> None:
    for name, licence in LICENCES.items():
        _here(cueworks, "models", "add", shelf / name.partition("/")[2], "--name", name, "--licence", licence)
        fact = {"subject": name, "component": "weights", "answer": "licence", "expression": licence}
        fact |= {"attribution": f"Made with {name}", "source": "trained in this house", "grade": "own", "by": "Kim"}
        _here(cueworks, "licences", "add", *(part for key, value in fact.items() for part in (f"--{key}", value)))


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, prefect_api: str, shelf: Path) -> Studio:
    """The cue that is made over a recording is rendered by Ray's actors, all others in the command's own process."""
    settings = {"HF_HUB_OFFLINE": "1", "PREFECT_API_URL": prefect_api}
    cueworks = Cueworks(tmp_path_factory.mktemp("medley") / "home", settings)
    _register(cueworks, shelf)
    brief = shelf / "medley.yaml"
    varied = cueworks.json("generate", brief, "--only", "choir", "--actors", 1)
    cueworks.settings["CUEWORKS_EXECUTOR"] = "in-process"
    done = cueworks.run("generate", brief, "--json")
    assert done.returncode == 1, done.stdout + done.stderr  # random weights cannot do what was ordered
    return Studio(cueworks, varied, json.loads(done.stdout), cueworks.takes())


def _outcome(take: dict[str, Any]) -> str | None:
    return take["acceptance"] and take["acceptance"]["outcome"]


def _point(take: dict[str, Any]) -> tuple[str, str, str]:
    return take["cue"], take["zone"], take["generator"]


def test_three_families_make_one_cue_and_what_is_not_good_enough_is_replaced(studio: Studio) -> None:
    assert studio.varied["counts"] == {"done": 2}
    assert {take["generator"] for take in studio.of(cue="combat")} == FAMILIES
    assert {take["status"] for take in studio.takes.values()} == {"done"}
    first = [take for take in studio.of(cue="combat", zone="ashwood") if take["index"] == 0]
    assert len({take["seed"] for take in first}) == 1
    assert len({take["pcm_sha256"] for take in studio.takes.values()}) == len(studio.takes)
    points = Counter(map(_point, studio.takes.values()))
    assert set(points.values()) <= {1, 2}  # no budget was passed
    kept = Counter(_point(take) for take in studio.takes.values() if _outcome(take) == "kept")
    assert set(kept.values()) == {1}
    short = [point for point, count in points.items() if point[0] != "choir" and point not in kept]
    assert short
    for cue, zone, generator in short:
        assert points[cue, zone, generator] == 2
        told = f"{zone}/{cue} by {generator}: 0 of 1 takes are good enough, 2 of at most 2 made"
        assert any(line.startswith(told) for line in studio.made["short"])
    rejected = [take for take in studio.takes.values() if _outcome(take) == "rejected"]
    assert all(take["acceptance"]["reasons"] for take in rejected)
    assert {_outcome(take) for take in studio.of(cue="menu")} == {"kept", "spare"}
    assert {_outcome(take) for take in studio.of(cue="choir")} == {None}


def test_generators_are_compared_by_figures_and_on_a_page(studio: Studio) -> None:
    cueworks = studio.cueworks
    page = cueworks.home / "medley" / "compare.html"
    written = page.read_bytes()
    assert b'href="compare.html"' in (cueworks.home / "medley" / "index.html").read_bytes()
    found = cueworks.json("compare", "medley")
    assert found["page"] == str(page)
    assert page.read_bytes() == written
    assert {row["generator"] for row in found["generators"]} == FAMILIES
    for row in found["generators"]:
        own = studio.of(generator=row["generator"])
        judged = [take["acceptance"] for take in own if take["acceptance"]]
        assert {name: row[name] for name in ("kept", "spare", "rejected")} == {
            name: sum(one["outcome"] == name for one in judged) for name in ("kept", "spare", "rejected")
        }
        assert row["ordered"] == row["made"] == len(own)
        assert row["score"] == pytest.approx(np.mean([one["score"] for one in judged]), abs=1e-4)
        assert row["lufs"]["mean"] == pytest.approx(-23, abs=0.1)
        assert row["computing"] > 0
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(r'<article [^>]*data-id="(\w+)"', text)) == set(studio.takes)
    told = cueworks.said("compare", "medley", "--quiet")
    assert told.splitlines()[0].split("\t") == [
        "generator", "made", "kept", "spare", "rejected", "accepted", "tempo", "key", "score", "LUFS", "s per s",
    ]  # fmt: skip
    assert told.splitlines()[-1] == f"compare: {page}"
    with pytest.raises(UsageError, match="there are: medley"):
        _here(cueworks, "compare", "nothing")


@pytest.fixture(scope="module")
def release(studio: Studio) -> Path:
    studio.cueworks.said("review", "--all-of", "medley", "approve", "--by", "Kim")
    folder = studio.cueworks.home.with_name("chapter-1")
    studio.cueworks.said("release", "medley", "chapter-1", "--target", "plain", "--by", "Kim", "--out", folder)
    return folder


def test_what_was_kept_is_released_with_everybodys_licence_and_traced(studio: Studio, release: Path) -> None:
    cueworks = studio.cueworks
    manifest = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    released = {take["id"]: take for take in manifest["takes"]}
    assert set(released) == {id_ for id_, take in studio.takes.items() if _outcome(take) in ("kept", None)}
    assert {take["generator"] for take in released.values()} == FAMILIES
    assert {fact["subject"] for fact in manifest["facts"].values()} >= FAMILIES
    varied = {take["licence"] for take in released.values() if take["cue"] == "choir"}
    assert varied == {"CC-BY-4.0 AND CC0-1.0"}
    credits, told = ((release / name).read_text(encoding="utf-8") for name in ("ATTRIBUTION.txt", "DISCLOSURE.txt"))
    assert f"Made with {NOISE}" in credits
    assert all(name in told for name in FAMILIES)
    assert ", 0 differences" in cueworks.said("release", "--check", release)
    files = {path.parent.name[-16:]: path for path in release.rglob("mix.flac")}
    assert set(files) == {id_[:16] for id_ in released}
    one_of_each = {take["generator"]: files[id_[:16]] for id_, take in released.items()}
    traced = json.loads(_here(cueworks, "trace", "--json", *one_of_each.values()))
    assert [released[row["take"]]["generator"] for row in traced] == list(one_of_each)
    assert {row["match"] for row in traced} == {"exact"}


def test_a_take_of_each_family_is_reproduced_and_everything_is_as_recorded(studio: Studio, release: Path) -> None:
    ids = [studio.of(cue="combat", generator=name)[-1]["id"] for name in ("composer", TOKENS)]
    again = json.loads(_here(studio.cueworks, "reproduce", *ids, studio.of(cue="choir")[0]["id"], "--json"))
    assert [row["identical"] for row in again] == [True] * 3
    assert _here(studio.cueworks, "verify").startswith(f"{len(studio.takes)} takes, ")
