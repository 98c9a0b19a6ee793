"""Whether a name may be given to a model that is trained here: not where it stands for something else already.

Facts are found by name. A model of the house under the name of a hub's checkpoint, of a service, or of something that
somebody registered or recorded facts about would be mixed up with it. Nothing here writes.
"""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from db.registrations import ADDED, registrations
from db.training import of_name, training_rows
from services.rights.keeping import moment
from services.rights.register import Register

OTHER = "a model that is trained here needs a name of its own: --name house/NAME"


def taken(session: Session, register: Register, name: str) -> list[str]:
    """Why a name is not free, a sentence each: facts about it that no training run made, other files registered as it.

    Raises ClockError."""
    runs = training_rows(session, of_name(name))
    own = {fact for run in runs for fact in run.fact_ids}
    return [*_facts(register, name, own), *_files(session, name, {run.weights_digest for run in runs})]


def _facts(register: Register, name: str, own: set[str]) -> Iterator[str]:
    for fact in register.facts:  # in the order in which they were recorded
        if fact.corrects in own:
            own.add(fact.id)
    others = [fact for fact, _ in register.known(moment(register)).about(name) if fact.id not in own]
    if others:
        said = f"{others[0].subject}, {others[0].id}, {others[0].source}"
        yield f"{name}: {len(others)} facts are on record about what has that name ({said}); {OTHER}"


def _files(session: Session, name: str, own: set[str]) -> Iterator[str]:
    for row in registrations(session):
        if row.generator == name and row.act == ADDED and row.digest not in own:
            what = f"{name}: on {row.at:%Y-%m-%d} {row.source} was registered under that name"
            yield f"{what}, which no training run here made; {OTHER}"
            return
