"""A cue that several generators make, in the catalog: one cue, a shard of each, folders that tell them apart."""

import pytest
from sqlalchemy import Engine, select

from db.engine import reading, writing
from db.ledger import append
from db.tables import Cue, Take
from models.registry import CARDS
from services.catalog import runs
from services.planning.plan import plan
from services.planning.reader import read_bytes
from services.rights.facts import Fact
from services.rights.register import add
from tests.cards import denoiser

NOISE = "acme/noise"
BRIEF = "catalog: both\ngenerator: [composer, acme/noise]\ncues: [{state: calm, prompt: wind, duration: 4, takes: 2}]\n"


def test_each_generator_makes_its_takes_of_one_cue(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CARDS, NOISE, denoiser())
    with writing(engine) as session:
        fact = Fact(NOISE, "weights", answer="allowed", source="a test", grade="own", recorded_by="test")
        append(session, add(session, [fact]))
    text = BRIEF.replace("takes: 2", "takes: 2, steps: 30")
    run = runs.start(engine, plan(read_bytes(text.encode()), CARDS), {})
    assert (run.to_render, run.shards, set(run.turns)) == (4, 2, {"composer", NOISE})
    jobs = {name: runs.shard_jobs(engine, run.id, shards.start) for name, shards in run.turns.items()}
    assert {job.request.controls.denoising is None for job in jobs["composer"]} == {True}
    assert {job.request.controls.denoising.steps for job in jobs[NOISE] if job.request.controls.denoising} == {30}
    with reading(engine) as session:
        takes = list(session.scalars(select(Take).order_by(Take.position)))
        assert len(list(session.scalars(select(Cue)))) == 1
    made = [(take.generator, take.index) for take in takes]
    assert made == [("composer", 0), ("composer", 1), (NOISE, 0), (NOISE, 1)]
    assert [take.seed for take in takes[:2]] == [take.seed for take in takes[2:]]
    assert len({take.folder for take in takes}) == 4
    assert [name for take in takes for name in ("composer", "noise") if f"/{name}-" in take.folder] == [
        "composer", "composer", "noise", "noise",
    ]  # fmt: skip
    told = [{choice["field"]: choice["value"] for choice in take.understanding} for take in takes]
    assert [one.get("steps") for one in told] == [None, None, "30", "30"]
    runs.finish(engine, run.id, {})
    alone = runs.start(engine, plan(read_bytes(text.encode()), CARDS, generator=NOISE), {})
    assert (alone.ordered, alone.registered.inserted) == (2, 0)
