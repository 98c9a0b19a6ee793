"""How long takes took to compute, by generator. Reads only."""

from collections import defaultdict

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.tables import Attempt, Take
from db.takes import READ_CHUNK, in_catalog

STAGES = ("generate", "finish")  # of an attempt's seconds; the others are parts of these


def seconds_of_computing(session: Session, catalog: str) -> dict[str, float]:
    """Seconds of generating and finishing of the tries that came out, by the generator of takes that are still ordered.

    A take's share of a batch is the batch's seconds by its rows. Streamed: memory stays flat."""
    query = select(Take.generator, Attempt.seconds).join(Attempt, Attempt.take_id == Take.id)
    query = query.where(in_catalog(catalog), Take.status == "done", Attempt.outcome == "done")
    found: dict[str, float] = defaultdict(float)
    with session.execute(query.execution_options(yield_per=READ_CHUNK)) as rows:
        for generator, seconds in rows:
            found[generator] += sum(float(seconds.get(stage, 0.0)) for stage in STAGES)
    return dict(found)
