"""The register of licence facts, with two time axes: what holds on a day, as far as it was known at a moment.

Rules:
- A fact is believed at a moment if it was recorded by then and no correction of it was.
- Nothing that is added later changes what was known before; a correction is a further fact.
- What contradicts a believed fact is refused here; where facts contradict each other anyhow, the policy names them.

Nothing here judges.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cached_property
from types import MappingProxyType
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from db.advisory import lock_transaction
from db.engine import reading, writing
from db.facts import corrected_fact_ids, fact_rows, insert_facts, known_fact_ids, state_of_facts
from db.ledger import ClockError, Entry, append, check_clock
from db.ledger_rows import rows_from
from db.registrations import count_registrations, registrations
from db.rights_tables import LicenceFact
from services.rights.checkpoints import Checkpoints
from services.rights.facts import Fact, FactError, checked, fact_of
from services.rights.names import SPDX, Pattern, folded, plain_name
from services.rights.seeds import seed_facts

LOCK = "licence facts"  # one writer at a time: what was checked still holds when it is recorded
State = tuple[int, datetime | None, int]
_kept: "WeakKeyDictionary[Engine, tuple[State, Register]]" = WeakKeyDictionary()
NONE = Checkpoints()
_EARLIEST = datetime.min.replace(tzinfo=UTC)


class DamagedFactError(RuntimeError):
    """A fact in the database is not what its id says; the message names it."""


class ContradictionError(FactError):
    """A new fact says otherwise than one that is believed; the message names both."""


class Knowledge:
    """What is believed at one moment, found by name. Withdrawn facts are kept to know what a thing is made of.
    `aliases` are the hub's ids, by plain names, of what is registered under other names."""

    def __init__(self, facts: Sequence[Fact], aliases: Mapping[str, Sequence[str]] = MappingProxyType({})) -> None:
        self.facts = facts
        self._aliases = aliases
        self._found: dict[str, tuple[tuple[Fact, int], ...]] = {}

    @cached_property
    def _exact(self) -> dict[str, list[Fact]]:
        named: dict[str, list[Fact]] = {}
        for fact in self.facts:
            if "*" not in fact.subject:
                named.setdefault(Pattern(fact.subject).text, []).append(fact)
        return named

    @cached_property
    def _patterns(self) -> dict[str, Pattern]:
        return {fact.subject: Pattern(fact.subject) for fact in self.facts if "*" in fact.subject}

    @cached_property
    def licences(self) -> frozenset[str]:
        """The licences that facts are about: an expression may name them."""
        return frozenset(fact.subject.removeprefix(SPDX) for fact in self.facts if fact.is_licence)

    @cached_property
    def obligations(self) -> tuple[Fact, ...]:
        """What markets and laws ask, whatever made the music."""
        return tuple(fact for fact in self.facts if fact.is_obligation)

    @cached_property
    def _capped(self) -> tuple[str, ...]:
        """Licences that end at a number of outputs."""
        return tuple(f.subject.removeprefix(SPDX) for f in self.facts if f.is_licence and f.volume_cap is not None)

    def caps(self, name: str, expressions: Iterable[str] = ()) -> frozenset[str]:
        """What limits how many outputs there may be of a generator, or under one of `expressions`: facts by their ids,
        and licences. Generators with a cap in common are counted together; what limits a checkpoint of the hub does so
        by any name."""
        named = (name, *self._aliases.get(plain_name(name), ()))
        facts = [fact for one in named for fact, _ in self.about(one)]
        stated = [text.casefold() for text in (*(fact.expression for fact in facts), *expressions)]
        licences = {licence for licence in self._capped if any(licence.casefold() in text for text in stated)}
        return frozenset(licences | {fact.id for fact in facts if fact.volume_cap is not None})

    def about(self, name: str) -> tuple[tuple[Fact, int], ...]:
        """Facts about a generator or service as people name it, each with how closely its subject names it."""
        if name not in self._found:
            plain = plain_name(name)
            self._found[name] = self._named(plain) or (self._without_owner(plain) if "/" not in plain else ())
        return self._found[name]

    def about_licence(self, licence: str) -> tuple[Fact, ...]:
        """Facts about a licence (an SPDX identifier, or one WITH another)."""
        return tuple(self._exact.get(folded(f"{SPDX}{licence}"), ()))

    def _named(self, plain: str) -> tuple[tuple[Fact, int], ...]:
        if plain.startswith(SPDX):
            return ()
        found = [(fact, Pattern(fact.subject).letters) for fact in self._exact.get(plain, ())]
        matching = {text: pattern.letters for text, pattern in self._patterns.items() if pattern.matches(plain)}
        found += [(fact, matching[fact.subject]) for fact in self.facts if fact.subject in matching]
        return tuple(found)

    def _without_owner(self, plain: str) -> tuple[tuple[Fact, int], ...]:
        subjects = {fact.subject for fact in self.facts if "/" in fact.subject and not fact.is_licence}
        patterns = {text: Pattern(text) for text in subjects}
        matching = {text: p.letters for text, p in patterns.items() if p.matches_without_owner(plain)}
        if len({text.partition("/")[0].casefold() for text in matching}) > 1:  # whose is meant is not known
            matching = dict.fromkeys(matching, 0)
        return tuple((fact, matching[fact.subject]) for fact in self.facts if fact.subject in matching)


class Register:
    """All facts, in memory. `facts` in any order; each has its `recorded_at`. `checkpoints` are those of the register
    of generators: which files a name stands for."""

    def __init__(self, facts: Iterable[Fact], checkpoints: Checkpoints = NONE) -> None:
        self.checkpoints = checkpoints
        self.facts = tuple(sorted(facts, key=lambda fact: (fact.recorded_at or _EARLIEST, fact.id)))
        self._times = [fact.recorded_at or _EARLIEST for fact in self.facts]
        self._known: dict[int, Knowledge] = {}

    @cached_property
    def by_id(self) -> dict[str, Fact]:
        return {fact.id: fact for fact in self.facts}

    @cached_property
    def corrections(self) -> dict[str, Fact]:
        """The fact that corrects a fact, by the corrected one's id."""
        return {fact.corrects: fact for fact in self.facts if fact.corrects}

    @property
    def newest(self) -> datetime | None:
        """When the last fact was recorded."""
        return self._times[-1] if self._times else None

    def moment(self, known_at: datetime) -> int:
        """How many facts were recorded by then: moments of one number knew the same."""
        return bisect_right(self._times, known_at)

    def known(self, known_at: datetime) -> Knowledge:
        """What was believed at a moment."""
        count = self.moment(known_at)
        if count not in self._known:
            recorded = self.facts[:count]
            corrected = {fact.corrects for fact in recorded}
            self._known[count] = Knowledge(
                tuple(fact for fact in recorded if fact.id not in corrected), self.checkpoints.aliases
            )
        return self._known[count]

    def believed(self, as_of: date, known_at: datetime) -> tuple[Fact, ...]:
        """The facts that hold on a day, as far as it was known at a moment."""
        facts = self.known(known_at).facts
        return tuple(fact for fact in facts if fact.answer != "withdrawn" and fact.holds(as_of))

    def with_seed(self, now: datetime | None = None) -> "Register":
        """This register and what it lacks of this release's facts, as if they were recorded now."""
        missing = self.missing_seed()
        at = max(now or datetime.now(UTC), self.newest or _EARLIEST)
        stated = (replace(fact, recorded_at=at) for fact in missing)
        return Register((*self.facts, *stated), self.checkpoints) if missing else self

    def missing_seed(self) -> list[Fact]:
        """The facts of this release that are not here. What somebody corrected otherwise stays theirs."""
        return list(self._missing)

    @cached_property
    def _missing(self) -> tuple[Fact, ...]:
        mine = (fact for fact in seed_facts() if fact.id not in self.by_id)
        return tuple(fact for fact in mine if fact.corrects not in self.corrections)


def load(session: Session) -> Register:
    """The register as it is in the database. Raises DamagedFactError for a fact that was changed behind our back."""
    facts = []
    for row in fact_rows(session):
        fact = fact_of(row)
        if fact.id != row["id"]:
            what = f"{row['id']} ({row['subject']}) is not what was recorded: its content has the id {fact.id}"
            raise DamagedFactError(f"{what}; `cueworks verify` names every changed row, put the database's backup back")
        facts.append(fact)
    return Register(facts, Checkpoints.of(registrations(session)))


def state_of(session: Session) -> State:
    """What changes whenever a fact or a registration is added."""
    return (*state_of_facts(session), count_registrations(session))


def current(session: Session) -> Register:
    """The register as it is now, read anew only where something was added since this process last read it."""
    engine, state = session.get_bind().engine, state_of(session)
    kept = _kept.get(engine)
    if kept is None or kept[0] != state:
        kept = _kept[engine] = (state, load(session))
    return kept[1]


def read_register(engine: Engine) -> Register:
    """The register for judging without writing; this release's facts are in it even where the database lacks them."""
    with reading(engine) as session:
        return current(session).with_seed()


def open_register(engine: Engine) -> Register:
    """The register, after this release's facts were recorded where they were missing."""
    with reading(engine) as session:
        if not _missing(session):
            return load(session)
    with writing(engine) as session:
        append(session, seed(session))
    with reading(engine) as session:
        return load(session)


def _missing(session: Session) -> list[Fact]:
    known = known_fact_ids(session, [fact.id for fact in seed_facts()])
    missing = [fact for fact in seed_facts() if fact.id not in known]
    taken = corrected_fact_ids(session, [fact.corrects for fact in missing if fact.corrects])
    return [fact for fact in missing if fact.corrects not in taken]


def seed(session: Session, now: datetime | None = None) -> list[Entry]:
    """Record the facts of this release that are missing; returns their ledger entries, to be appended by the caller.

    One indexed query where nothing is missing. Facts that a newer release corrects are recorded with their correction.
    """
    if not _missing(session):
        return []
    lock_transaction(session.connection(), LOCK)
    return record(session, _missing(session), now)


def record(session: Session, facts: Sequence[Fact], now: datetime | None = None) -> list[Entry]:
    """Insert facts as known from `now` on; returns their ledger entries. Raises ClockError."""
    if not facts:
        return []
    at = _checked_time(session, now or datetime.now(UTC))
    stated = [replace(fact, recorded_at=at) for fact in facts]
    rows = [fact.as_row() for fact in stated]
    insert_facts(session, rows)
    held = rows_from(LicenceFact, rows)
    return [Entry("fact", fact.id, {"fact": fact.as_json(), "rows": held[fact.id]}) for fact in stated]


def _checked_time(session: Session, now: datetime) -> datetime:
    _, newest = state_of_facts(session)
    if newest is not None and now < newest:
        what = f"this machine's clock says {now.isoformat()}, but a fact was recorded at {newest.isoformat()} already"
        raise ClockError(f"{what}; set the clock, then try again")
    return now


def add(session: Session, facts: Sequence[Fact], now: datetime | None = None) -> list[Entry]:
    """Record new facts; returns their ledger entries. Facts that are there already are left out.

    Raises FactError with every fault, ContradictionError where one says otherwise than a believed one or than another
    of `facts`, ClockError; then nothing is recorded."""
    lock_transaction(session.connection(), LOCK)
    now = now or datetime.now(UTC)
    check_clock(session, now)
    register = load(session)
    registered = register.known(now).licences | {f.subject.removeprefix(SPDX) for f in facts if f.is_licence}
    _raise_all(_faults_of(fact, register, registered) for fact in facts)
    fresh = [fact for fact in dict.fromkeys(facts) if fact.id not in register.by_id]
    believed = [fact for fact in register.known(now).facts if fact.answer != "withdrawn"]
    _refuse_contradictions(fresh, believed)
    return record(session, fresh, now)


def _faults_of(fact: Fact, register: Register, registered: frozenset[str]) -> str | None:
    try:
        checked(fact, registered)
    except FactError as error:
        return str(error)
    if fact.corrects is not None:
        return f"{fact.subject}: a new fact corrects nothing; use `cueworks licences correct {fact.corrects}`"
    correction = register.corrections.get(fact.id)
    if correction is not None:
        return f"{fact.id} was recorded before and is corrected by {correction.id}; correct that one"
    return None


def _raise_all(faults: Iterable[str | None]) -> None:
    found = [fault for fault in faults if fault]
    if found:
        raise FactError("\n".join(found))


def _refuse_contradictions(fresh: Sequence[Fact], believed: Sequence[Fact]) -> None:
    by_key: dict[tuple[str, ...], list[Fact]] = {}
    for fact in believed:
        by_key.setdefault(fact.key, []).append(fact)
    found = []
    for fact in fresh:
        same = by_key.setdefault(fact.key, [])
        found += [_contradiction(fact, other) for other in same if fact.claim != other.claim and fact.overlaps(other)]
        same.append(fact)
    if found:
        raise ContradictionError("\n".join(found))


def _contradiction(fact: Fact, other: Fact) -> str:
    told = f"{fact.subject} ({fact.component}, {fact.use}): {fact.id} would say {said(fact)}"
    told += f", but {other.id} says {said(other)}"
    remedy = f"if that one is wrong, `cueworks licences correct {other.id} --set answer={fact.answer} ...`"
    return f"{told} ({period(other)}); {remedy}; if the terms changed, give each its dates"


def said(fact: Fact) -> str:
    """What a fact answers, in a few words."""
    caps = [f"below {fact.revenue_cap_usd:,.0f} USD of revenue" if fact.revenue_cap_usd is not None else ""]
    caps.append(f"up to {fact.volume_cap} outputs" if fact.volume_cap is not None else "")
    return " ".join(filter(None, (fact.expression if fact.answer == "licence" else fact.answer, *caps)))


def period(fact: Fact) -> str:
    """When a fact holds, in a few words."""
    start = f"from {fact.valid_from}" if fact.valid_from else ""
    end = f"until {fact.valid_to}, that day not included" if fact.valid_to else ""
    return " ".join(filter(None, (start, end))) or "always"


def correct(session: Session, correction: Fact, now: datetime | None = None) -> list[Entry]:
    """Record `correction`, which names in `corrects` what it takes the place of; returns its ledger entry.

    Raises FactError where there is no such fact, it was corrected already or the correction changes nothing,
    ContradictionError, ClockError; then nothing is recorded."""
    lock_transaction(session.connection(), LOCK)
    now = now or datetime.now(UTC)
    check_clock(session, now)
    register = load(session)
    known = register.known(now)
    registered = known.licences | ({correction.subject.removeprefix(SPDX)} if correction.is_licence else frozenset())
    checked(correction, registered)
    wrong = register.by_id.get(correction.corrects or "")
    if wrong is None:
        raise FactError(f"no fact {correction.corrects!r}; `cueworks licences list` shows them")
    before = register.corrections.get(wrong.id)
    if before is not None:
        raise FactError(f"{wrong.id} was corrected on {before.recorded_at:%Y-%m-%d} by {before.id}; correct that one")
    others = [fact for fact in known.facts if fact.id != wrong.id and fact.answer != "withdrawn"]
    if correction.answer != "withdrawn":
        _refuse_contradictions([correction], others)
    return record(session, [correction], now)
