"""Tables of takes: they open in pandas, hold every row once, and are written in a stream."""

import json
import weakref
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import pandas
import pyarrow
import pytest
from sqlalchemy import Engine

from db.rows import TakeRow
from services.catalog.export import ROWS_A_BATCH, ExportError, export_takes, table_schema
from services.catalog.listing import Filter, NoSuchTakeError, find_take, show_json, take_json, takes
from tests.catalog_rows import (
    CONTROLS,
    DELIVERY,
    done,
    failed,
    new_order,
    new_take,
    open_run,
    order_takes,
    record_takes,
    sha,
)

PROMPT = 'calm, "warm"\nharp; 夜 \u2028 =1+1'


@pytest.fixture
def catalog(engine: Engine) -> Engine:
    """One finished, one failed, one superseded and one planned take."""
    registered = order_takes(engine, [new_take(n, prompt=PROMPT if n == 0 else "drums") for n in range(4)])
    run = open_run(engine, registered, [[new_take(n).id for n in range(4)]])
    record_takes(engine, run, [done(new_take(0).id), failed(new_take(1).id)])
    order_takes(engine, [new_take(n) for n in (0, 1, 3)], new_order("edited"))
    return engine


def read(path: Path) -> pandas.DataFrame:
    return pandas.read_parquet(path) if path.suffix == ".parquet" else pandas.read_csv(path)


@pytest.mark.parametrize("name", ["takes.parquet", "takes.csv", "Takes.CSV"])
def test_a_table_opens_in_pandas_with_every_take(catalog: Engine, home: Path, tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    assert export_takes(takes(catalog, Filter()), home, target) == 4
    table = pandas.read_csv(target) if target.suffix == ".CSV" else read(target)
    assert list(table.columns) == table_schema().names
    assert list(table["status"]) == ["done", "failed", "superseded", "planned"]
    first = table.iloc[0]
    assert first["prompt"] == PROMPT
    assert first["seed"] == 2**53 - 1
    assert (first["bpm"], first["key"], first["loop"]) == (144.0, "D minor", True)
    assert first["integrated_lufs"] == -23.0
    assert Path(first["mix_path"]).is_relative_to(home)
    assert [asset["role"] for asset in json.loads(first["assets"])] == ["mix", "mix"]
    assert pandas.isna(table.iloc[3]["mix_path"])
    assert pandas.Timestamp(first["planned_at"]).tz is not None or str(first["planned_at"]).endswith("Z")
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("prompt", ["=HYPERLINK(1)", "+1", "-1+cmd", "@SUM(1)"])
def test_a_spreadsheet_finds_no_formula_in_a_csv(engine: Engine, home: Path, tmp_path: Path, prompt: str) -> None:
    order_takes(engine, [new_take(0, prompt=prompt), new_take(1, prompt=f"a {prompt}")])
    for name, first in (("takes.csv", f"'{prompt}"), ("takes.parquet", prompt)):
        export_takes(takes(engine, Filter()), home, tmp_path / name)
        assert list(read(tmp_path / name)["prompt"]) == [first, f"a {prompt}"]


class Alive:
    """How many rows are held, and the most that ever were."""

    def __init__(self) -> None:
        self.now = self.most = 0

    def watch(self, row: TakeRow) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        weakref.finalize(row, self._gone)

    def _gone(self) -> None:
        self.now -= 1


def made(count: int, alive: Alive) -> Iterator[TakeRow]:
    for number in range(count):
        row = TakeRow(
            id=sha(str(number)), catalog="game", position=number, zone=None, cue="combat", state="combat", point={},
            index=number, prompt="drums " * 20, seed=number, generator="empty", revision="1", controls=CONTROLS,
            delivery=DELIVERY, understanding=[], folder="f", status="planned", pcm_sha256=None, error=None,
            planned_at=datetime(2026, 1, 1, tzinfo=UTC), recorded_at=None,
        )  # fmt: skip
        alive.watch(row)
        yield row


@pytest.mark.parametrize("name", ["takes.parquet", "takes.csv"])
def test_fifty_thousand_takes_are_written_in_a_stream(tmp_path: Path, name: str) -> None:
    """Neither rows nor Arrow's buffers grow with the number of takes."""
    alive, peak = Alive(), [0]

    def watched() -> Iterator[TakeRow]:
        for row in made(50_000, alive):
            peak[0] = max(peak[0], pyarrow.total_allocated_bytes() - before)
            yield row

    before = pyarrow.total_allocated_bytes()
    assert export_takes(watched(), tmp_path, tmp_path / name) == 50_000
    assert 1 <= alive.most <= ROWS_A_BATCH
    assert peak[0] < 32 << 20  # the whole table is some 60 MB
    assert len(read(tmp_path / name)) == 50_000


@pytest.mark.parametrize("name", ["takes.xlsx", "takes", "nowhere/takes.csv", "folder.csv"])
def test_a_table_that_cannot_be_written_is_told_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(ExportError, match=name.rpartition("/")[2]):
        export_takes(iter(()), tmp_path, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.csv"]


def test_an_export_that_breaks_leaves_the_older_table(tmp_path: Path) -> None:
    target = tmp_path / "takes.csv"
    target.write_text("older")

    def breaking() -> Iterator[TakeRow]:
        yield from made(3_000, Alive())
        raise ConnectionError

    with pytest.raises(ConnectionError):
        export_takes(breaking(), tmp_path, target)
    assert target.read_text() == "older"
    assert list(tmp_path.iterdir()) == [target]


def test_an_empty_catalog_is_a_table_without_rows(tmp_path: Path) -> None:
    assert export_takes(iter(()), tmp_path, tmp_path / "takes.parquet") == 0
    assert read(tmp_path / "takes.parquet").empty


def test_a_row_of_json_is_plain_and_its_paths_are_absolute(catalog: Engine, home: Path) -> None:
    rows = [take_json(take, home) for take in takes(catalog, Filter(status="done"))]
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    (row,) = rows
    keys = "id catalog zone cue state index prompt seed generator status pcm_sha256 assets"
    assert set(keys.split()) <= set(row)
    assert all(Path(asset["path"]).is_absolute() for asset in row["assets"])
    assert {"role", "path", "sha256", "media_type", "duration_s"} <= set(row["assets"][0])


def test_one_take_is_found_by_how_its_id_begins(catalog: Engine, home: Path) -> None:
    wanted = new_take(1).id
    found = find_take(catalog, f" {wanted[:10].upper()} ")
    assert found.id == wanted
    shown = show_json(catalog, found, home)
    assert json.loads(json.dumps(shown, allow_nan=False)) == shown
    assert shown["brief"]["sha256"] == sha("brief")
    assert [attempt["outcome"] for attempt in shown["attempts"]] == ["failed"]


@pytest.mark.parametrize(
    ("name", "told"),
    [("abc", "at least 4"), ("zzzz", "hexadecimal"), ("%%%%", "hexadecimal"), ("f" * 64, "cueworks takes")],
)
def test_a_name_that_finds_no_take_is_told(catalog: Engine, name: str, told: str) -> None:
    with pytest.raises(NoSuchTakeError, match=told):
        find_take(catalog, name)


def test_a_name_that_finds_several_takes_is_told(engine: Engine) -> None:
    order_takes(engine, [new_take(n, id="abcd" + sha(str(n))[4:]) for n in range(3)])
    with pytest.raises(NoSuchTakeError, match=r"3 takes.*more digits"):
        find_take(engine, "abcd")


def test_every_column_of_the_table_comes_from_a_take() -> None:
    assert {field.name for field in fields(TakeRow)} - set(table_schema().names) == {
        "position", "delivery", "understanding", "folder", "measurements",
    }  # fmt: skip
