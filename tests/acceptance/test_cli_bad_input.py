"""Bad input: one clear message with place, value and remedy, exit code 2, and nothing left behind."""

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from command import ROOT, TINY

from flows.cli import app

GOOD = "{state: combat, prompt: taiko, bars: 2}"
ALIAS_BOMB = "a0: &a0 [x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 8)}]\n" for n in range(1, 12)
)


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    told: str


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def call(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Answer]:
    """Calls the command line in this process, with a home that is not there yet."""
    monkeypatch.setenv("CUEWORKS_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    for name in ("CUEWORKS_DATABASE_URL", "CUEWORKS_EXECUTOR", "CUEWORKS_ACTORS", "CUEWORKS_MAX_TAKES"):
        monkeypatch.delenv(name, raising=False)

    def answer(*arguments: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["cueworks", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            app.main()
        printed = capsys.readouterr()
        return Answer(int(stopped.value.code or 0), printed.out, printed.err)

    return answer


def _refused(answer: Answer, *words: str) -> None:
    assert answer.code == 2, answer
    assert answer.out == ""
    assert "Traceback" not in answer.told
    assert all(line.startswith("error: ") for line in answer.told.splitlines())
    for word in words:
        assert word in answer.told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"catalog: Blobs\ncues: [{GOOD}]\n", ("b.yaml:1: catalog", "'Blobs'", "name the catalog otherwise")),
        (f"catalog: x\ntempo: 3\ncues: [{GOOD}]\n", ("b.yaml:2: tempo: unknown key", "did you mean")),
        (f"catalog: x\nseed: soon\ncues: [{GOOD}]\n", ("b.yaml:2: seed", "'soon'")),
        ("catalog: x\ncues:\n- {state: combat, prompt: p, key: H major}\n", ("b.yaml:3", "H major", "key signature")),
        ("catalog: x\ncues:\n- {state: combat, prompt: p, bpm: 301}\n", ("b.yaml:3: cues[0].bpm", "301")),
        ("catalog: x\ncues:\n- {state: combat, prompt: p, bpm: 19}\n", ("b.yaml:3: cues[0].bpm", "19")),
        ("catalog: x\ncues:\n- {state: combat, prompt: p, takes: 0}\n", ("b.yaml:3: cues[0].takes", "0")),
        (f"catalog: x\ncues:\n- {GOOD}\n- {GOOD}\n", ("b.yaml:4: cues[1]", "duplicate cue")),
        ("catalog: x\ncues:\n- {state: combat, prompt: 'p {foe}'}\n", ("b.yaml:3", "{foe} has no axis")),
        ("catalog: x\ncues:\n- {state: combat, prompt: 'p {f}', axes: {f: []}}\n", ("b.yaml:3", "at least one")),
        (f"catalog: ../up\ncues: [{GOOD}]\n", ("b.yaml:1: catalog", "../up")),
        (
            f"catalog: x\ntheme: {{file: ../t, licence: CC0-1.0}}\ncues: [{GOOD}]\n",
            ("b.yaml:2: theme.file", "outside"),
        ),
        ("catalog: x\ncues: [{state: ../../etc, prompt: p}]\n", ("b.yaml:2: cues[0].state", "../../etc")),
        (ALIAS_BOMB, ("b.yaml", "aliases written out")),
        ("catalog: !!python/object/apply:os.system [ls]\n", ("b.yaml:1", "tags are not allowed")),
        (f"catalog: x\ngenerator: nobody/model\ncues: [{GOOD}]\n", ("b.yaml:2: generator", "nobody/model", "composer")),
        ("catalog: x\ncues:\n\t- a\n", ("b.yaml:3", "not YAML")),
        ("", ("b.yaml:1", "empty")),
    ],
)
def test_a_bad_brief_is_refused_by_file_line_and_value(
    call: Callable[..., Answer], home: Path, tmp_path: Path, text: str, words: tuple[str, ...]
) -> None:
    (tmp_path / "b.yaml").write_text(text)
    for command in (("generate",), ("generate", "--dry-run", "--json"), ("brief", "check")):
        _refused(call(*command, "b.yaml"), *words)
    assert not home.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["b.yaml"]


def test_all_faults_come_at_once(call: Callable[..., Answer], tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("catalog: a b\ncolour: red\ncues:\n- {state: combat, prompt: p, bpm: 999}\n")
    answer = call("generate", "b.yaml")
    _refused(answer, "b.yaml:1: catalog", "b.yaml:2: colour", "b.yaml:4: cues[0].bpm")
    assert len(answer.told.splitlines()) == 3


def test_a_ten_megabyte_brief_is_refused(call: Callable[..., Answer], home: Path, tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_bytes(b"#" * (10 << 20))
    _refused(call("generate", "b.yaml"), "10485760 bytes are too many")
    assert not home.exists()


def test_a_brief_that_is_not_utf_8_is_refused(call: Callable[..., Answer], home: Path, tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_bytes(b"catalog: caf\xe9\n")
    _refused(call("generate", "b.yaml"), "b.yaml:1", "not UTF-8", "0xe9")
    assert not home.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["generate"], "either a brief file or --prompt"),
        (["generate", TINY, "--prompt", "x"], "either a brief file or --prompt"),
        (["generate", "none.yaml"], "none.yaml: cannot be read: No such file"),
        (["generate", ROOT], "cannot be read"),
        (["generate", TINY, "--takes", "0"], "zero takes"),
        (["generate", TINY, "--takes", "many"], "--takes"),
        (["generate", TINY, "--only", "menu"], "exploration, combat, boss"),
        (["generate", TINY, "--executor", "cloud"], "use ray or in-process"),
        (["generate", TINY, "--actors", "0"], "--actors"),
        (["generate", TINY, "--generator", "nobody/model"], "unknown generator"),
        (["generate", TINY, "--use", "theft"], "theft"),
        (["generate", TINY, "--seed", "3"], "--prompt"),
        (["generate", "--prompt", ""], "empty"),
        (["generate", "--prompt", "harp", "--takes", "0"], "takes"),
        (["generate", "--prompt", "harp", "--catalog", "../up"], "../up"),
        (["generate", "--prompt", "harp\x1b[31m"], "U+001B"),
        (["generate", "--prompt", "harp", "--duration", "nan"], "duration"),
        (["generate", "--dry"], "--dry-run"),
        (["takes", "--status", "lost"], "planned, rendering, done"),
        (["takes", "--out", "takes.xlsx"], ".parquet or .csv"),
        (["takes", "--out", "no/takes.csv"], "there is no folder"),
        (["show"], "take"),
        (["show", "ffff"], "`cueworks takes` lists them"),
        (["verify", "nowhere"], "no catalog 'nowhere'"),
        (["schedule", TINY], "--cron"),
        (["schedule", TINY, "--cron", "nightly"], "'nightly' is no cron line"),
        (["schedule", TINY, "--cron", "99 3 * * *"], "'99 3 * * *' is no cron line"),
        (["schedule", TINY, "--cron", "0 3 * * *", "--timezone", "Mars/Base"], "'Mars/Base' is no time zone"),
        (["schedule", "none.yaml", "--cron", "0 3 * * *"], "none.yaml: cannot be read"),
        (["deploy", "--check", "--file", "none.yaml"], "none.yaml"),
        (["brief", "check", "none.yaml"], "none.yaml: cannot be read"),
        (["brief", "chekc", "none.yaml"], "chekc"),
        (["brief"], "cueworks brief --help"),
        (["compose"], "No such command 'compose'"),
    ],
)
def test_bad_usage_is_refused_with_a_remedy(
    call: Callable[..., Answer], home: Path, tmp_path: Path, arguments: list[object], words: str
) -> None:
    _refused(call(*arguments), words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CUEWORKS_MAX_TAKES", "5", "6 takes are more than the ceiling of 5"),
        ("CUEWORKS_MAX_TAKES", "lots", "CUEWORKS_MAX_TAKES='lots'"),
        ("CUEWORKS_ACTORS", "-1", "CUEWORKS_ACTORS='-1'"),
        ("CUEWORKS_EXECUTOR", "cloud", "CUEWORKS_EXECUTOR"),
        ("CUEWORKS_STORE_URL", "s3://bucket", "CUEWORKS_STORE_URL"),
        ("CUEWORKS_DATABASE_URL", "nonsense", "CUEWORKS_DATABASE_URL"),
        ("CUEWORKS_DATABASE_URL", "mysql://root@localhost/x", "CUEWORKS_DATABASE_URL"),
        ("CUEWORKS_DATABASE_URL", "postgresql://nobody:s3cret@127.0.0.1:1/x", "CUEWORKS_DATABASE_URL"),
        ("CUEWORKS_DATABASE_URL", "sqlite:////proc/none/x.db", "CUEWORKS_DATABASE_URL"),
    ],
)
def test_bad_settings_are_refused_by_name(
    call: Callable[..., Answer], home: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    answer = call("generate", TINY)
    _refused(answer, words)
    assert len(answer.told.splitlines()) == 1
    assert "s3cret" not in answer.told
    assert not home.exists()


@pytest.mark.parametrize("place", ["file/home", "/proc/none/home"])
def test_a_home_that_cannot_be_written_is_refused(
    call: Callable[..., Answer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (tmp_path / "file").write_text("a file, no folder")
    monkeypatch.setenv("CUEWORKS_HOME", place)
    answer = call("generate", TINY)
    _refused(answer, str(Path(place).parent), "CUEWORKS_HOME")
    assert len(answer.told.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_damaged_database_is_refused_and_left_as_it_is(call: Callable[..., Answer], home: Path) -> None:
    home.mkdir()
    database = home / "cueworks.db"
    database.write_bytes(b"no database at all" * 100)
    for command in (["generate", TINY], ["takes"], ["verify"]):
        answer = call(*command)
        _refused(answer, "cueworks.db", "not a database")
        assert len(answer.told.splitlines()) == 1
    assert database.read_bytes() == b"no database at all" * 100
    assert [path.name for path in home.iterdir()] == ["cueworks.db"]


def test_garbage_is_not_collected_for_a_database_that_knows_no_file(call: Callable[..., Answer], home: Path) -> None:
    blob = home / "blobs" / "00" / ("0" * 64)
    blob.parent.mkdir(parents=True)
    blob.write_bytes(b"another database knows it")
    for command in (["gc"], ["gc", "--dry-run"]):
        _refused(call(*command), "nothing was removed", "CUEWORKS_DATABASE_URL")
    assert blob.exists()


def test_what_a_file_name_holds_is_shown_not_obeyed(call: Callable[..., Answer]) -> None:
    answer = call("generate", "a\x1b]0;owned\x07\n.yaml")
    _refused(answer, "cannot be read")
    assert "\x1b" not in answer.told


def test_without_a_command_the_help_is_shown(call: Callable[..., Answer]) -> None:
    answer = call()
    assert (answer.code, answer.out) == (2, "")
    assert "generate" in answer.told


@pytest.mark.parametrize("asked", [["--help"], ["-h"], ["generate", "--help"], ["brief", "-h"], ["--version"]])
def test_help_and_version_are_no_errors(call: Callable[..., Answer], asked: list[str]) -> None:
    answer = call(*asked)
    assert (answer.code, answer.told) == (0, "")
    assert "cueworks" in answer.out


def test_a_fault_of_ours_keeps_its_traceback(call: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise AssertionError("ours")

    monkeypatch.setattr("services.planning.words.words", broken)
    monkeypatch.setattr(sys, "argv", ["cueworks", "words"])
    with pytest.raises(AssertionError, match="ours"):
        app.main()


def test_a_reader_that_goes_away_ends_the_command_quietly(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError(32, "Broken pipe")

        def fileno(self) -> int:
            return 1

    monkeypatch.setattr(sys, "argv", ["cueworks", "words"])
    monkeypatch.setattr(sys, "stdout", Gone())
    with pytest.raises(SystemExit):
        app.main()
    assert capfd.readouterr().err == ""
