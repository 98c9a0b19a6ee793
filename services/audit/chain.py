"""One take's chain from order to file: order, prompt, generator, facts, verdicts, attempts, files, people, releases,
and the ledger's entries about all of them. Reads only.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from db import chain as db
from db.engine import reading
from db.tables import Take
from services.audit.asking import AuditError, Wanted
from services.audit.audit import Audit, cited, ledger_head, open_audit
from services.audit.rows import (
    ChainAsset,
    ChainAttempt,
    ChainBrief,
    ChainDerivation,
    ChainEntry,
    ChainItem,
    ChainVerdict,
    Released,
    Reviewed,
    Stated,
    TakeChain,
    Why,
)
from services.planning.faults import shown

SHORTEST_PREFIX = 4


def place_of(engine: Engine, name: str) -> tuple[str, str]:
    """(id, catalog) of the take whose id begins with `name`. Raises AuditError."""
    prefix = name.strip().lower()
    if len(prefix) < SHORTEST_PREFIX or set(prefix) - set("0123456789abcdef"):
        raise AuditError(f"{shown(name)} is no take id; give at least {SHORTEST_PREFIX} of its hexadecimal digits")
    with reading(engine) as session:
        found = db.takes_beginning(session, prefix)
    if not found:
        raise AuditError(f"no take's id begins with {shown(name)}; `cueworks takes` lists them")
    if len(found) > 1:
        raise AuditError(f"several takes' ids begin with {shown(name)}; give more digits")
    return found[0]


def take_chain(engine: Engine, name: str, wanted: Wanted) -> TakeChain:
    """The chain of the take whose id begins with `name`. Raises AuditError."""
    id_, catalog = place_of(engine, name)
    with open_audit(engine, catalog, wanted) as audit:
        return chain_in(audit, id_)


def chain_in(audit: Audit, take_id: str) -> TakeChain:
    """The chain of a take of an open audit's catalog."""
    session = audit.session
    (row,) = audit.reader.rows(Take.id == take_id)
    links = db.links(session, take_id)
    facts = [link.fact_id for link in links.judgement_facts]
    releases = {release.id: release for release in row.releases}
    return TakeChain(
        row=row,
        asked=audit.asked,
        brief=_brief(links.take),
        controls=links.take.controls,
        delivery=links.take.delivery,
        understanding=links.take.understanding,
        error=links.take.error,
        weights_digest=links.take.weights_digest,
        card=links.take.card,
        facts=cited(audit.register, (*row.judged.facts, *facts)),
        verdicts=_verdicts(links),
        attempts=tuple(ChainAttempt(*attempt) for attempt in links.attempts),
        assets=tuple(ChainAsset(*asset) for asset in links.assets),
        profiles={sha256: profile for sha256, profile in links.profiles},
        measurements={name: value for name, value in links.measurements},
        reviews=tuple(Reviewed(*review) for review in links.reviews),
        items=tuple(_item(item, releases) for item in links.items),
        derivations=tuple(ChainDerivation(*derivation[1:]) for derivation in links.derivations),
        entries=tuple(ChainEntry(*entry) for entry in db.entries_about(session, _subjects(take_id, links, facts))),
        ledger=ledger_head(session),
    )


def _brief(take: Any) -> ChainBrief:
    return ChainBrief(take.sha256, take.use, take.licensee, take.planned_at, take.cue, take.cue_prompt)


def _verdicts(links: db.Links) -> tuple[ChainVerdict, ...]:
    return tuple(
        ChainVerdict(
            stated=Stated(row.stage, row.answer, row.id, row.use, row.as_of, row.judged_at),
            licensee=row.licensee,
            plan=row.plan,
            reasons=tuple(Why(r["rule"], r["answer"], r["text"], tuple(r["facts"])) for r in row.reasons),
            duties=tuple(row.duties),
            facts=tuple(link.fact_id for link in links.judgement_facts if link.judgement_id == row.id),
        )
        for row in links.verdicts
    )


def _item(item: Any, releases: dict[str, Released]) -> ChainItem:
    release, *rest = item
    return ChainItem(releases[release], *rest)


def _subjects(take_id: str, links: db.Links, facts: list[str]) -> list[str]:
    """What entries of the ledger may be about that concern the take."""
    judgements = [row.id for row in links.verdicts]
    releases = [item.release_id for item in links.items]
    derived = [derivation.id for derivation in links.derivations]
    return list(dict.fromkeys([take_id, links.take.sha256, *judgements, *facts, *releases, *derived]))


def steps(chain: TakeChain) -> Iterator[tuple[str, str]]:
    """The chain for a person: (step, what is known of it), from order to ledger."""
    row, brief = chain.row, chain.brief
    yield "take", f"{row.take}  {row.status}  {row.catalog}"
    yield "order", f"brief {brief.sha256[:16]} for {brief.use}, planned {_time(row.planned_at)}"
    yield "brief", f"cue {row.cue}, zone {row.zone or 'none'}, state {row.state}, {row.point}, index {row.index}"
    yield "prompt", f"{row.prompt_sha256[:16]}  {row.prompt}"
    yield "generator", f"{row.generator}@{row.revision}, seed {row.seed}, weights {chain.weights_digest or 'none'}"
    for fact in chain.facts:
        yield "fact", f"{fact.id}  {fact.subject} {fact.component}: {fact.expression or fact.answer}  {fact.source}"
    for verdict in chain.verdicts:
        said = verdict.stated
        yield "verdict", f"{said.stage}: {said.answer} for {said.use} on {said.as_of}  {said.judgement[:16]}"
    asked = chain.asked
    yield "verdict", f"as of {asked.as_of}: {row.judged.answer} for {asked.use}"
    for reason in row.judged.reasons:
        yield "reason", f"{reason.answer}: {reason.text} [{', '.join(reason.facts)}]"
    for attempt in chain.attempts:
        told = f"{attempt.outcome}  {_time(attempt.started_at)}  {attempt.actor}  {attempt.error or ''}"
        yield "attempt", told.rstrip()
    for asset in chain.assets:
        yield "asset", f"{asset.role}  {asset.sha256}  {asset.path}"
    for review in chain.reviews:
        yield "review", f"{review.decision} by {review.by}, {_time(review.at)}  {review.note}".rstrip()
    for given in row.contributions:
        yield "contribution", f"{given.kind} by {given.by}, {_time(given.at)}  {given.note}".rstrip()
    for item in chain.items:
        ended = f", withdrawn {_time(item.release.withdrawn_at)}" if item.release.withdrawn_at else ""
        yield "release", f"{item.release.name}: {item.path}  {item.sha256}{ended}"
    for entry in chain.entries:
        yield "ledger", f"{entry.sequence}  {entry.kind} {entry.subject[:20]}  {entry.sha256}"


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else "never"
