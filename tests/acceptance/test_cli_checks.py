"""Reproduce and verify from the command line: what is recorded is there, and what is not is found and healed."""

from pathlib import Path

import pytest
from command import TINY, Cueworks, Rendered


@pytest.fixture
def damaged(rendered: Rendered, quick: Cueworks) -> tuple[Cueworks, str]:
    """A copy of the rendered home in which one take's master has another byte; the take's id."""
    quick.copy_of(rendered.cueworks)
    id_, take = next(iter(rendered.takes.items()))
    blob = quick.home / "blobs" / take["assets"][0]["sha256"][:2] / take["assets"][0]["sha256"]
    blob.chmod(0o644)
    content = bytearray(blob.read_bytes())
    content[len(content) // 2] ^= 1
    blob.write_bytes(content)
    return quick, id_


def test_a_take_rendered_again_is_identical(rendered: Rendered) -> None:
    id_, take = list(rendered.takes.items())[-1]
    rows = rendered.cueworks.json("reproduce", id_[:10])
    assert [(row["take"], row["identical"], row["pcm_sha256"]) for row in rows] == [(id_, True, take["pcm_sha256"])]


def test_an_untouched_catalog_verifies(rendered: Rendered) -> None:
    found = rendered.cueworks.json("verify", "tiny")
    assert (found["ok"], found["problems"], found["takes"]) == (True, [], 6)
    assert found["unreferenced"] == []


ADAPTIVE = """
catalog: adaptive
seed: 3
defaults: {bars: 2, bpm: 120, formats: [flac]}
cues:
  - {name: calm, state: exploration, prompt: "calm harp", intensities: [1, 3], loop: true}
  - {name: fight, state: combat, prompt: "taiko, urgent", loop: true}
  - {kind: stinger, from: calm, stinger: victory, bars: 1}
  - {kind: transition, from: calm, to: fight, bars: 1}
"""


def test_levels_stingers_and_transitions_verify_and_reproduce(quick: Cueworks, tmp_path: Path) -> None:
    brief = tmp_path / "adaptive.yaml"
    brief.write_text(ADAPTIVE)
    assert quick.json("generate", brief)["counts"] == {"done": 5}
    found = quick.json("verify")
    assert (found["ok"], found["problems"], found["takes"]) == (True, [], 5)
    rows = quick.json("reproduce", *quick.takes())
    assert [row["identical"] for row in rows] == [True] * 5


def test_a_changed_blob_is_found_repaired_and_rendered_again(damaged: tuple[Cueworks, str], rendered: Rendered) -> None:
    cueworks, id_ = damaged
    found = cueworks.json("verify", code=4)
    assert found["ok"] is False
    assert {problem["take"] for problem in found["problems"]} == {id_}
    assert id_[:12] in cueworks.said("verify", code=4)
    repaired = cueworks.json("verify", "--repair", code=4)
    assert repaired["planned_again"] == 1
    outcome = cueworks.json("generate", TINY)
    assert outcome["counts"] == {"done": 1}
    assert cueworks.json("verify")["ok"] is True
    sounds = {take: row["pcm_sha256"] for take, row in cueworks.takes().items()}
    assert sounds == {take: row["pcm_sha256"] for take, row in rendered.takes.items()}


def test_a_missing_file_of_the_tree_is_put_back_without_rendering(rendered: Rendered, cueworks: Cueworks) -> None:
    cueworks.copy_of(rendered.cueworks)
    asset = next(iter(rendered.takes.values()))["assets"][0]
    file = cueworks.home / Path(asset["path"]).relative_to(rendered.cueworks.home)
    file.unlink()
    assert cueworks.json("verify", "--repair", code=4)["planned_again"] == 0
    assert file.is_file()
    assert cueworks.json("verify")["ok"] is True


def test_leftovers_are_told_and_collected(rendered: Rendered, cueworks: Cueworks) -> None:
    cueworks.copy_of(rendered.cueworks)
    left = cueworks.home / "blobs" / "00" / ("0" * 64)
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(b"left behind")
    found = cueworks.json("verify")
    assert (found["ok"], found["unreferenced"]) == (True, ["0" * 64])
    assert "1 files would be removed" in cueworks.said("gc", "--dry-run")
    assert left.exists()
    assert "1 files removed" in cueworks.said("gc")
    assert not left.exists()
    assert cueworks.json("verify")["unreferenced"] == []


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["reproduce", "ffffffffffff"], "no take's id begins with 'ffffffffffff'"),
        (["show", "ffffffffffff"], "no take's id begins with"),
        (["show", "xyz"], "is no take id"),
        (["show", "ab"], "at least 4"),
        (["verify", "nowhere"], "no catalog 'nowhere'; there are: tiny"),
    ],
)
def test_what_is_not_there_is_bad_input(rendered: Rendered, command: list[str], words: str) -> None:
    done = rendered.cueworks.run(*command)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
