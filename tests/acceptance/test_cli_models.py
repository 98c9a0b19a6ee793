"""`cueworks models` as a user calls it: a checkpoint from a folder, one from a hub, without a network, and what is
wrong with one."""

import json
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import Cueworks

from flows.cli import app
from tests.checkpoints import BROKEN, write_transformers
from tests.hub_server import Hub, serving

NAME = "facebook/musicgen-small"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two checkpoints of about 1 MB in the true format. Read only."""
    folder = tmp_path_factory.mktemp("checkpoints")
    write_transformers(folder / "tiny")
    write_transformers(folder / "other", seed=1, licence="cc-by-nc-4.0")
    return folder


@pytest.fixture
def tiny(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written / "tiny", tmp_path / "tiny"))


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving(NAME) as made:
        yield made


class Here(Cueworks):
    """The command line called in this process, which has torch imported already; `hub` None: without a network."""

    patch: pytest.MonkeyPatch
    printed: pytest.CaptureFixture[str]
    hub: Hub | None = None

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        self.patch.setattr(sys, "argv", ["cueworks", *map(str, arguments)])
        for name, value in self.environment.items():
            if name.startswith("CUEWORKS_"):
                self.patch.setenv(name, value)
        address = self.hub.address if self.hub else "http://127.0.0.1:9"
        self._tell_client(HF_HUB_OFFLINE=self.hub is None, ENDPOINT=address, HF_HUB_CACHE=str(self.cache))
        self._tell_client(HUGGINGFACE_CO_URL_TEMPLATE=address + "/{repo_id}/resolve/{revision}/{filename}")
        with pytest.raises(SystemExit) as stopped:
            app.main()
        printed = self.printed.readouterr()
        return subprocess.CompletedProcess(sys.argv, int(stopped.value.code or 0), printed.out, printed.err)

    def _tell_client(self, **constants: object) -> None:
        """The hub's client reads its settings once, when it is imported."""
        for name, value in constants.items():
            self.patch.setattr(f"huggingface_hub.constants.{name}", value)

    @property
    def cache(self) -> Path:
        return self.home.with_name("hf") / "hub"

    def connected(self, hub: Hub) -> "Here":
        """The same home, with a network in which there is a hub."""
        made = here(self.home, self.patch, self.printed)
        made.hub = hub
        return made


def here(home: Path, patch: pytest.MonkeyPatch, printed: pytest.CaptureFixture[str]) -> Here:
    made = Here(home)
    made.patch, made.printed = patch, printed
    return made


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """A home that is not there yet and an empty cache, without a network."""
    for name in ("CUEWORKS_DATABASE_URL", "CUEWORKS_CHECKPOINTS"):
        monkeypatch.delenv(name, raising=False)
    return here(tmp_path / "home", monkeypatch, capsys)


def test_a_folder_from_being_added_to_being_removed(offline: Here, tiny: Path) -> None:
    added = offline.run("models", "add", tiny)
    assert added.returncode == 0, added.stderr
    assert "tiny engine-" in added.stdout
    assert "name it in a brief: `generator: tiny`" in added.stdout
    assert "nothing is recorded of its licence" in added.stderr
    assert "%|" not in added.stderr  # no bars where nobody watches
    again = offline.json("models", "add", tiny)
    assert again["outcome"] == "same"
    assert "nothing changed" in offline.said("models", "add", tiny)

    rows = {row["id"]: row for row in offline.json("models")}
    assert rows == {row["id"]: row for row in offline.json("models", "list")}
    assert set(rows) == {"composer", "tiny"}
    assert rows["tiny"]["revision"] == again["revision"]
    assert (rows["tiny"]["origin"], rows["tiny"]["present"], rows["composer"]["origin"]) == ("folder", True, "built-in")
    table = [line.split("\t") for line in offline.said("models").splitlines()]
    assert [cells[0] for cells in table] == ["generator", "composer", "tiny"]

    shown = offline.json("models", "show", "tiny")
    assert shown["registration"]["digest"] == again["digest"]
    assert {use["company"] for use in shown["uses"]} == {"unknown"}
    assert again["digest"] in offline.said("models", "show", "tiny")
    assert offline.json("models", "show", "composer")["uses"][0]["company"] == "allowed"

    assert "3 files as registered" in offline.said("models", "verify")
    removed = offline.said("models", "remove", "tiny")
    assert f"`cueworks models add {tiny}` adds it again" in removed
    assert (tiny / "model.safetensors").is_file()
    gone = offline.run("models", "show", "tiny")
    assert gone.returncode == 2
    assert "was removed from the register on" in gone.stderr
    assert f"`cueworks models add {tiny}` adds it again" in gone.stderr
    assert offline.run("models", "remove", "tiny").returncode == 2
    assert "0 problems" in offline.said("verify")


def test_a_folder_under_a_name_that_facts_allow_is_told_to_be_another_checkpoint(offline: Here, tiny: Path) -> None:
    added = offline.run("models", "add", tiny, "--name", "HeartMuLa/x")
    assert added.returncode == 0, added.stderr
    assert f"HeartMuLa/x was registered from {tiny}, so that what is on record under that name (" in added.stderr
    shown = offline.json("models", "show", "HeartMuLa/x")
    assert shown["licence_by_facts"] == ""
    assert {use["company"] for use in shown["uses"]} == {"unknown"}
    (said,) = shown["notes"]
    words = shlex.split(said.rpartition("`cueworks ")[2].strip("`"))
    offline.said(*(word if word not in ("WHERE", "WHO") else "Kim" for word in words))
    settled = offline.json("models", "show", "HeartMuLa/x")
    assert (settled["notes"], settled["licence_by_facts"]) == ([], "CC0-1.0")
    assert settled["uses"][1]["company"].startswith("allowed")


def test_a_changed_file_and_a_folder_that_is_gone_are_found(offline: Here, tiny: Path) -> None:
    offline.said("models", "add", tiny)
    weights = tiny / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    found = offline.run("models", "verify", "tiny")
    assert found.returncode == 4
    assert f"error: {weights}: is not the file that was registered" in found.stderr
    told = offline.json("models", "verify", code=4)
    assert [finding["file"] for finding in told[0]["findings"]] == ["model.safetensors"]
    shutil.rmtree(tiny)
    assert len(offline.json("models", "verify", code=4)[0]["findings"]) == 3
    assert [row["present"] for row in offline.json("models")] == [True, False]
    assert "put it back, or register it where it lies now" in offline.json("models", "show", "tiny")["missing"]


@pytest.mark.parametrize("fault", ["missing-tensors", "nan-weights", "truncated", "pickle", "no-tokenizer"])
def test_nothing_is_written_for_a_broken_checkpoint(offline: Here, tiny: Path, fault: str) -> None:
    BROKEN[fault](tiny)
    refused = offline.run("models", "add", tiny)
    assert refused.returncode == 2
    assert f"error: {tiny}" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not offline.home.exists()


def test_everything_that_is_wrong_is_said_at_once(offline: Here, tiny: Path) -> None:
    refused = offline.run("models", "add", "facebook/musicgen-small", "--name", "composer", "--licence", "mine")
    assert refused.returncode == 2
    assert len([line for line in refused.stderr.splitlines() if line.startswith("error: ")]) == 3
    for arguments in (["models", "add", "/no/such/folder"], ["models", "verify", "nothing"], ["models", "remove", "x"]):
        assert offline.run(*arguments).returncode == 2
    assert not offline.home.exists()


def test_a_hubs_checkpoint_is_pinned_to_its_commit_and_a_moved_tag_is_noticed(
    offline: Here, hub: Hub, written: Path
) -> None:
    first = hub.publish("main", written / "tiny")
    connected = offline.connected(hub)
    added = connected.json("models", "add", NAME, "--revision", "main")
    assert (added["asked_revision"], added["commit_id"], added["source"]) == ("main", first, NAME)
    assert added["generator"] == NAME
    assert any("its card says CC0-1.0, but fact-" in note and "CC-BY-NC-4.0" in note for note in added["notes"])
    uses = {use["use"]: use for use in offline.json("models", "show", NAME)["uses"]}
    assert uses["commercial-game"]["company"] == "refused"

    assert connected.json("models", "verify")[0]["tag"] == "unchanged"
    hub.served.clear()
    assert offline.json("models", "verify")[0]["tag"] == "not checked, offline"
    assert offline.json("models", "add", NAME, "--revision", "main")["outcome"] == "same"  # from the cache alone
    assert hub.served == []

    second = hub.publish("main", written / "other")
    moved = connected.json("models", "verify")[0]
    assert moved["ok"]
    assert moved["tag"].startswith(f"moved: main meant {first} when it was registered and means {second} now")
    said = connected.said("models", "add", NAME, "--revision", "main")
    assert "is registered as a new revision" in said
    assert f"{added['revision']} stays for takes that were made with it" in said
    (row,) = (row for row in offline.json("models") if row["id"] == NAME)
    assert row["older_revisions"] == [added["revision"]]


def test_what_a_hub_refuses_is_told_with_what_to_do(offline: Here, hub: Hub, written: Path) -> None:
    hub.publish("main", written / "tiny")
    connected = offline.connected(hub)
    told = {
        ("facebook/other", "main"): "the hub knows no such checkpoint",
        (NAME, "v9"): "no revision 'v9'",
    }
    for (id_, revision), said in told.items():
        refused = connected.run("models", "add", id_, "--revision", revision)
        assert (refused.returncode, said in refused.stderr) == (2, True), refused.stderr
    hub.gated = True
    assert "accept terms first" in connected.run("models", "add", NAME, "--revision", "main").stderr
    nobody = offline.connected(Hub(NAME, address="http://127.0.0.1:9"))
    refused = nobody.run("models", "add", NAME, "--revision", "main")
    assert refused.returncode == 2
    assert "with HF_HUB_OFFLINE=1 its cache is used" in refused.stderr
    missing = offline.run("models", "add", NAME, "--revision", "main")
    assert missing.returncode == 2
    assert "HF_HUB_OFFLINE is set" in missing.stderr
    assert not offline.home.exists()


def test_a_download_that_was_cut_short_is_no_checkpoint(offline: Here, hub: Hub, written: Path) -> None:
    commit = hub.publish("main", written / "tiny")
    connected = offline.connected(hub)
    connected.said("models", "add", NAME, "--revision", "main")
    connected.said("models", "remove", NAME)
    snapshot = offline.cache / "models--facebook--musicgen-small" / "snapshots" / commit
    (snapshot / "model.safetensors").unlink()
    refused = offline.run("models", "add", NAME, "--revision", "main")
    assert refused.returncode == 2
    assert "not wholly" in refused.stderr or "no weights" in refused.stderr
    assert connected.json("models", "add", NAME, "--revision", "main")["outcome"] == "new"  # fetched again


def test_the_environment_alone_says_where_the_hub_is_and_that_there_is_none(
    cueworks: Cueworks, hub: Hub, written: Path, tmp_path: Path
) -> None:
    """In processes of their own, two of them at once: one checkpoint is registered once."""
    hub.publish("v1", written / "tiny")
    alone = {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1"}
    connected = Cueworks(cueworks.home, alone | hub.settings)
    cueworks.settings = alone
    asked = ("models", "add", NAME, "--revision", "v1", "--json")
    assert cueworks.run(*asked).returncode == 2
    connected.said("db", "upgrade")
    told: list[str] = []
    runs = [threading.Thread(target=lambda: told.append(connected.said(*asked))) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert sorted(json.loads(text)["outcome"] for text in told) == ["new", "same"]
    hub.served.clear()
    assert json.loads(cueworks.said(*asked))["outcome"] == "same"
    assert hub.served == []


def test_reading_leaves_no_home_behind(offline: Here) -> None:
    assert [row["id"] for row in offline.json("models")] == ["composer"]
    assert "no checkpoint is registered" in offline.said("models", "verify")
    assert not offline.home.exists()


def test_listing_imports_nothing_heavy(offline: Here) -> None:
    code = (
        "import sys; from flows.cli.models import list_; list_(json=False)\n"
        "print([name for name in ('torch', 'transformers', 'huggingface_hub') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=offline.environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
