"""W3C PROV of takes, releases and whole catalogs, as PROV-JSON: what was made from what, by which step, through whom.

Why it exists: archives and other people's tools read PROV, not our tables. Rules:
- Entities are the brief, the prompt, the take as ordered, its files, judgements, facts; activities planning, attempts,
  reviews, contributions, releases, withdrawals; agents people, generators, this program, the licensee.
- A file is named by its digest (`sha256:...`), so that documents about it join up without us.
- Only what is on record is said: no start without a start time, no derivation that nobody recorded, and of a licensee
  no more than the kind that the order names.
- A catalog is one document with a bundle a take, written while rows stream; a million takes are never held.

Written to https://www.w3.org/submissions/prov-json/ in the very form that the package `prov` writes. Documents of one
take or release are read back with `prov` before they are handed out. Nothing here reads a database.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from services.audit.documents import take_name
from services.audit.prov_records import Container, Records, checked, digest, dump, local, numbered, time_text
from services.audit.rows import (
    AuditRow,
    AuditSummary,
    ChainAttempt,
    ChainDerivation,
    ChainItem,
    ChainVerdict,
    CitedFact,
    Contributed,
    Judged,
    Released,
    Reviewed,
    Stated,
    TakeChain,
)
from services.storage.whole import whole_file

NAMESPACES = {
    name: f"urn:cueworks:{name}:" for name in (
        "agent", "attempt", "bundle", "catalog", "contribution", "fact", "generator", "judgement", "licensee", "person",
        "plan", "recording", "release", "review", "take", "withdrawal",
    )
} | {"cw": "urn:cueworks:", "sha256": "urn:sha256:"}  # fmt: skip
PROGRAM = "agent:cueworks"


def take_document(chain: TakeChain) -> str:
    """PROV-JSON of one take, from the order to every file that left."""
    records = Records()
    _chain(records, chain)
    return checked({"prefix": NAMESPACES, **records.container()})


def release_document(release: Released, chains: Iterable[TakeChain]) -> str:
    """PROV-JSON of one release: its takes from order to file, as `take_document` says each, in one document."""
    records = Records()
    _release(records, release)
    for chain in chains:
        _chain(records, chain, release.id)
    return checked({"prefix": NAMESPACES, **records.container()})


def write_catalog(path: Path, summary: AuditSummary, rows: Iterable[AuditRow]) -> Path:
    """Write a whole catalog as one document, a bundle a take, streamed. Raises OSError where it cannot be written."""
    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        for text in catalog_pieces(summary, rows):
            file.write(text)
    return path


def catalog_pieces(summary: AuditSummary, rows: Iterable[AuditRow]) -> Iterator[str]:
    """The document of a catalog, piece by piece: what takes share first, then a bundle a take."""
    head = dump({"prefix": NAMESPACES, **_shared(summary)})
    yield head[:-1]
    separator = ',"bundle":{'
    for row in rows:
        records = Records()
        _row(records, row)
        yield f"{separator}\n{json.dumps('bundle:' + row.take)}:{dump(records.container())}"
        separator = ","
    yield "}\n" if separator.startswith(",\"") else "}}\n"


# ------------------------------------------------------------------------------------------------ what is said


def _shared(summary: AuditSummary) -> Container:
    records = Records()
    _program(records)
    name = summary.asked.catalog
    records.entity(f"catalog:{local(name)}", "cw:Catalog", label=summary.title, name=name)
    for brief in summary.briefs:
        _order(records, brief.sha256, brief.use, brief.licensee, brief.planned_at)
        for verdict in brief.verdicts:
            _stated(records, verdict, _plan(brief.sha256))
    for total in summary.generators:
        said = {"weightsSha256": total.weights_digest, "licence": total.card.get("licence") or None}
        _generator(records, total.generator, total.revision, **said)
    for fact in summary.facts:
        _fact(records, fact)
    for release in summary.releases:
        _release(records, release)
    return records.container()


def _row(records: Records, row: AuditRow) -> None:
    """What the table says of a take."""
    take = _take(records, row)
    made = f"recording:{row.take}"
    records.activity(made, "cw:Recording", end=row.recorded_at, status=row.status)
    _made_with(records, made, row)
    if row.master_sha256:
        _file(records, row.master_sha256, "mix", row.master_media_type, made, take, row.recorded_at)
    for verdict in (row.plan, row.record, row.release):
        _stated(records, verdict, made if verdict and verdict.stage == "record" else None)
    _judged(records, take, row.judged)
    _reviewed(records, row.take, (row.review,) if row.review else ())
    _contributed(records, row.take, row.contributions)
    for release in row.releases:
        _release(records, release)
        records.relate("used", f"release:{local(release.id)}", take)


def _chain(records: Records, chain: TakeChain, only_release: str | None = None) -> None:
    """Everything on record of a take; with `only_release`, of files that left only those of that release."""
    row = chain.row
    _program(records)
    brief = chain.brief
    _order(records, brief.sha256, brief.use, brief.licensee, brief.planned_at)
    take = _take(records, row, brief.sha256)
    card = chain.card.get("licence") or None
    _generator(records, row.generator, row.revision, weightsSha256=chain.weights_digest, licence=card)
    for fact in chain.facts:
        _fact(records, fact)
    for verdict in chain.verdicts:
        _verdict(records, verdict, brief.sha256)
    _judged(records, take, row.judged)
    last = _attempts(records, chain)
    for asset in chain.assets:
        _file(records, asset.sha256, asset.role, asset.media_type, last, take, row.recorded_at, asset.pcm_sha256)
    _reviewed(records, row.take, chain.reviews)
    _contributed(records, row.take, row.contributions)
    for item in chain.items:
        if only_release in (None, item.release.id):
            _item(records, take, item)
    for derivation in chain.derivations:
        _derived(records, derivation)


def _program(records: Records) -> None:
    records.agent(PROGRAM, "prov:SoftwareAgent", label="Cueworks")


def _plan(brief_sha256: str) -> str:
    return f"plan:{brief_sha256}"


def _order(records: Records, sha256: str, use: str, licensee: dict[str, Any], planned_at: datetime) -> None:
    brief = records.entity(f"sha256:{sha256}", "cw:Brief", use=use)
    plan = records.activity(_plan(sha256), "cw:Planning", end=planned_at)
    records.relate("used", plan, brief)
    records.relate("wasAssociatedWith", plan, PROGRAM)
    if licensee.get("kind"):
        type_ = {"individual": "prov:Person", "company": "prov:Organization", "academic": "prov:Organization"}
        kind = str(licensee["kind"])
        agent = records.agent(f"licensee:{sha256}", type_.get(kind, "cw:Licensee"), licenseeKind=kind)
        records.relate("wasAssociatedWith", plan, agent)


def _take(records: Records, row: AuditRow, brief_sha256: str | None = None) -> str:
    brief = brief_sha256 or row.brief_sha256
    take = records.entity(
        f"take:{row.take}", "cw:Take", label=take_name(row), catalog=row.catalog, zone=row.zone, cue=row.cue,
        state=row.state, point=row.point, index=row.index, seed=row.seed, generator=row.generator,
        revision=row.revision, status=row.status, pcmSha256=row.pcm_sha256,
    )  # fmt: skip
    prompt = records.entity(f"sha256:{row.prompt_sha256}", "cw:Prompt", value=row.prompt)
    records.relate("wasDerivedFrom", take, prompt)
    if brief:
        records.relate("wasGeneratedBy", take, _plan(brief), time=time_text(row.planned_at))
        records.relate("wasDerivedFrom", take, f"sha256:{brief}")
    return take


def _generator(records: Records, id_: str, revision: str, **said: Any) -> str:
    agent = f"generator:{local(f'{id_}@{revision}')}"
    return records.agent(agent, "prov:SoftwareAgent", label=id_, revision=revision, **said)


def _made_with(records: Records, activity: str, row: AuditRow) -> None:
    records.relate("used", activity, f"take:{row.take}")
    records.relate("used", activity, f"sha256:{row.prompt_sha256}")
    records.relate("wasAssociatedWith", activity, _generator(records, row.generator, row.revision))
    if row.engine_profile:
        profile = records.entity(f"sha256:{row.engine_profile}", "cw:EngineProfile")
        records.relate("used", activity, profile)


def _attempts(records: Records, chain: TakeChain) -> str | None:
    """Every attempt; returns the last one that came out."""
    last = None
    for number, attempt in enumerate(chain.attempts):
        activity = _attempt(records, chain.row, number, attempt)
        last = activity if attempt.outcome == "done" else last
    return last


def _attempt(records: Records, row: AuditRow, number: int, attempt: ChainAttempt) -> str:
    activity = records.activity(
        f"attempt:{row.take}-{number}", "cw:Attempt", attempt.started_at, attempt.ended_at, outcome=attempt.outcome,
        run=attempt.run, actor=attempt.actor, error=attempt.error,
    )  # fmt: skip
    _made_with(records, activity, row)
    if attempt.engine_profile:
        records.relate("used", activity, records.entity(f"sha256:{attempt.engine_profile}", "cw:EngineProfile"))
    return activity


def _file(
    records: Records, sha256: str, role: str, media_type: str | None, made: str | None, take: str,
    at: datetime | None, pcm_sha256: str | None = None,
) -> None:  # fmt: skip
    file = records.entity(f"sha256:{sha256}", "cw:Asset", role=role, mediaType=media_type, pcmSha256=pcm_sha256)
    records.relate("wasDerivedFrom", file, take)
    if made:
        records.relate("wasGeneratedBy", file, made, **({"time": time_text(at)} if at else {}))


def _item(records: Records, take: str, item: ChainItem) -> None:
    _release(records, item.release)
    release = f"release:{local(item.release.id)}"
    file = records.entity(
        f"sha256:{item.sha256}", "cw:ReleasedFile", role=item.role, mediaType=item.media_type, path=item.path,
    )
    records.relate("wasGeneratedBy", file, release, time=time_text(item.release.at))
    if item.source_sha256 != item.sha256:
        records.relate("wasDerivedFrom", file, f"sha256:{item.source_sha256}")
    records.relate("used", release, take)
    records.relate("used", release, records.entity(f"judgement:{item.judgement}", "cw:Judgement"))
    if item.release.withdrawn_at:
        gone = time_text(item.release.withdrawn_at)
        records.relate("wasInvalidatedBy", file, f"withdrawal:{local(item.release.id)}", time=gone)


def _release(records: Records, release: Released) -> None:
    name = local(release.id)
    activity = records.activity(
        f"release:{name}", "cw:Release", end=release.at, label=release.name, use=release.use, target=release.target,
    )
    manifest = records.entity(f"sha256:{release.manifest_sha256}", "cw:Manifest")
    records.relate("wasGeneratedBy", manifest, activity, time=time_text(release.at))
    records.relate("wasAssociatedWith", activity, _person(records, release.by))
    if release.withdrawn_at:
        why = release.withdrawn_why
        gone = records.activity(f"withdrawal:{name}", "cw:Withdrawal", end=release.withdrawn_at, reason=why)
        records.relate("wasInvalidatedBy", manifest, gone, time=time_text(release.withdrawn_at))


def _stated(records: Records, verdict: Stated | None, activity: str | None) -> None:
    if verdict is None:
        return
    said = {"answer": verdict.answer, "use": verdict.use, "asOf": verdict.as_of.isoformat(), "stage": verdict.stage}
    judgement = records.entity(f"judgement:{verdict.judgement}", "cw:Judgement", **said)
    if activity:
        records.relate("used", activity, judgement)


def _verdict(records: Records, verdict: ChainVerdict, brief_sha256: str) -> None:
    _stated(records, verdict.stated, _plan(brief_sha256) if verdict.stated.stage == "plan" else None)
    judgement = f"judgement:{verdict.stated.judgement}"
    for why in verdict.reasons:
        records.entity(judgement, "cw:Judgement", reason=f"{why.rule}: {why.answer}: {why.text}")
    for fact in verdict.facts:
        records.relate("wasDerivedFrom", judgement, f"fact:{local(fact)}")


def _judged(records: Records, take: str, judged: Judged) -> None:
    """What this audit says of the take: an opinion of its day, so it is an attribute, not a record of its own."""
    licence = judged.licence or None
    records.entity(take, "cw:Take", auditAnswer=judged.answer, auditLicence=licence, auditFact=list(judged.facts))


def _fact(records: Records, fact: CitedFact) -> None:
    name = f"fact:{local(fact.id)}"
    records.entity(
        name, "cw:LicenceFact", subject=fact.subject, answer=fact.answer, expression=fact.expression or None,
        source=fact.source, grade=fact.grade, validFrom=fact.valid_from and fact.valid_from.isoformat(),
        validTo=fact.valid_to and fact.valid_to.isoformat(), recordedAt=time_text(fact.recorded_at),
        termsSha256=fact.terms_sha256,
    )  # fmt: skip
    if fact.corrects:
        records.relate("wasDerivedFrom", name, f"fact:{local(fact.corrects)}")


def _reviewed(records: Records, take: str, reviews: Sequence[Reviewed]) -> None:
    for review in reviews:
        name, note = numbered("review", take, review.by, review.at, review.decision), review.note or None
        activity = records.activity(name, "cw:Review", end=review.at, decision=review.decision, note=note)
        records.relate("used", activity, f"take:{take}")
        records.relate("wasAssociatedWith", activity, _person(records, review.by))


def _contributed(records: Records, take: str, contributions: Sequence[Contributed]) -> None:
    for part in contributions:
        name = numbered("contribution", take, part.by, part.at, part.kind)
        activity = records.activity(name, "cw:Contribution", end=part.at, kind=part.kind, note=part.note or None)
        person = _person(records, part.by)
        records.relate("wasAssociatedWith", activity, person)
        records.relate("wasInfluencedBy", f"take:{take}", activity)
        if part.sha256:
            file = records.entity(f"sha256:{part.sha256}", "cw:ContributedFile")
            records.relate("wasAttributedTo", file, person)
            records.relate("used", activity, file)


def _derived(records: Records, derivation: ChainDerivation) -> None:
    said = {"kind": derivation.kind, "licence": derivation.expression or None, "source": derivation.source or None}
    file = records.entity(f"sha256:{derivation.sha256}", "cw:DerivedFile", **said)
    if derivation.by:
        records.relate("wasAttributedTo", file, _person(records, derivation.by))
    if derivation.source_sha256:
        records.relate("wasDerivedFrom", file, f"sha256:{derivation.source_sha256}")


def _person(records: Records, name: str) -> str:
    """A person, named by a digest of the name as it was recorded: two spellings are two people here."""
    return records.agent(f"person:{digest(name)}", "prov:Person", label=name)
