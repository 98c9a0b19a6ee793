"""What the policy says of takes: asked once for every distinct question, however many takes share it.

Reads the orders' materials and what takes were made from; stores nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Protocol

from sqlalchemy.orm import Session

from db.verdicts import brief_texts, generators_in, has_stated_licences, outputs, standing_brief, stated_licences
from services.rights.materials import Brought, brought_by, derived_materials, part_materials, restated
from services.rights.policy import Judgement, Licensee, Material, Policy, Question
from services.rights.register import Knowledge, Register

PAGE = 5_000


class Asked(Protocol):
    """What is read of a take here: see `db.verdicts.AskedTake`."""

    @property
    def id(self) -> str: ...
    @property
    def catalog(self) -> str: ...
    @property
    def generator(self) -> str: ...
    @property
    def revision(self) -> str: ...
    @property
    def loop(self) -> bool: ...
    @property
    def brief_id(self) -> int: ...


def judge_takes(
    session: Session, register: Register | Policy, takes: Iterable[Asked], use: str, licensee: Licensee, as_of: date,
    known_at: datetime,
) -> Iterator[tuple[str, Judgement]]:  # fmt: skip
    """(take id, judgement) of each take, in order and streamed; takes of one question share one judgement."""
    policy = register if isinstance(register, Policy) else Policy(register)
    judge = TakeJudge(session, policy, use, licensee, as_of, known_at)
    stream = iter(takes)
    while page := list(islice(stream, PAGE)):
        yield from judge.page(page)


def sharing(knowledge: Knowledge, generator: str, names: Iterable[str]) -> list[str]:
    """A generator, and those of `names` that share a cap with it: one service has many names."""
    mine = knowledge.caps(generator)
    return [generator, *(name for name in names if name != generator and mine & knowledge.caps(name))]


def counted_with(session: Session, knowledge: Knowledge, catalog: str, generator: str) -> list[str]:
    """The generators of a catalog that share a cap with one, itself among them."""
    return sharing(knowledge, generator, generators_in(session, catalog))


class TakeJudge:
    """The policy for one use, licensee, day and moment, asked about takes a page at a time."""

    def __init__(
        self, session: Session, policy: Policy, use: str, licensee: Licensee, as_of: date, known_at: datetime
    ) -> None:
        self._session, self._policy = session, policy
        self._use, self._licensee, self._as_of, self._known_at = use, licensee, as_of, known_at
        self._briefs: dict[int, Brought] = {}
        self._outputs: dict[tuple[str, str], int] = {}
        self._answers: dict[tuple[object, ...], Judgement] = {}
        self._derived = has_stated_licences(session)

    def page(self, takes: Sequence[Asked]) -> list[tuple[str, Judgement]]:
        """(take id, judgement) of each."""
        self._read_briefs({take.brief_id for take in takes})
        made_from = stated_licences(self._session, [take.id for take in takes]) if self._derived else {}
        return [(take.id, self._judge(take, derived_materials(made_from.get(take.id, ())))) for take in takes]

    def _judge(self, take: Asked, own: tuple[Material, ...]) -> Judgement:
        key = (take.catalog, take.generator, take.revision, take.loop, take.brief_id, own)
        found = self._answers.get(key)
        if found is None:
            found = self._answers[key] = self._policy.judge(self._question(take, own))
        return found

    def _question(self, take: Asked, own: tuple[Material, ...]) -> Question:
        brought = self._briefs[take.brief_id]
        parts = part_materials(self._policy.register, take.generator, take.revision, self._known_at)
        materials = tuple(dict.fromkeys((*brought.materials, *own, *parts)))
        return Question(
            generator=take.generator, revision=take.revision, use=self._use, licensee=self._licensee,
            as_of=self._as_of, known_at=self._known_at, plan=brought.plan, loop=take.loop,
            outputs=self._count(take.catalog, take.generator, materials), materials=materials,
        )  # fmt: skip

    def _count(self, catalog: str, generator: str, materials: tuple[Material, ...]) -> int:
        """The catalog's outputs of a generator; counted only where a cap asks for it."""
        knowledge = self._policy.register.known(self._known_at)
        if not knowledge.caps(generator, [material.expression for material in materials]):
            return 0
        if (catalog, generator) not in self._outputs:
            alike = counted_with(self._session, knowledge, catalog, generator)
            self._outputs[catalog, generator] = outputs(self._session, catalog, alike)
        return self._outputs[catalog, generator]

    def _read_briefs(self, ids: set[int]) -> None:
        missing = ids - self._briefs.keys()
        if missing:
            texts = brief_texts(self._session, missing)
            self._briefs |= {id_: self._standing(id_, brought_by(texts.get(id_, b""))) for id_ in missing}

    def _standing(self, brief_id: int, brought: Brought) -> Brought:
        """What a brief brought, as the catalog's newest order says it."""
        if brought.theme is None:
            return brought
        return restated(brought, brought_by(standing_brief(self._session, brief_id, self._known_at) or b""))
