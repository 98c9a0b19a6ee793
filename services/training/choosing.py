"""Which takes of a catalog a house model may be trained on, and why others not.

Rules:
- Only what the composer made counts: it was trained on nothing and plays a sound bank of its own. Takes of any other
  generator are refused, and so is what was brought in from elsewhere, whatever it was called: a take with a file of its
  own source, with the derivation of an import, or of a revision that no composer ever had.
- What an order brought must add nothing, and the policy must allow the take itself (see `weighing`).
- Takes without sound, takes that a person or the order's own rule rejected, are left out.

Nothing is written here.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from db.impact import decisions
from db.rows import AssetRow, TakeRow
from db.takes import catalog_names, in_catalog, take_rows, with_status
from db.verdicts import has_stated_licences, stated_licences
from models.controls import Controls
from models.musicgen.prompting import told_beside
from services.planning.faults import nearest, shown
from services.rights.policy import Policy
from services.training.errors import TrainingError
from services.training.order import Item
from services.training.weighing import Weighed, weigh

COMPOSER = "composer"
REVISIONS = re.compile(r"sound-[1-9][0-9]*\+bank-[0-9a-f]{16}")  # of every composer; an import's is a digest
LOSSLESS = ("audio/flac", "audio/wav", "audio/x-wav")
MOST_NAMED = 5


@dataclass(frozen=True)
class LeftOut:
    """A take that is not trained on. `refused`: it may not be; otherwise it is of no use."""

    take: str
    catalog: str
    reason: str
    refused: bool

    def as_json(self) -> dict[str, Any]:
        return {"take": self.take, "catalog": self.catalog, "reason": self.reason, "refused": self.refused}


@dataclass(frozen=True)
class Chosen:
    """What was found: takes by id, those that were left out, and what the policy said."""

    items: tuple[Item, ...]
    left_out: tuple[LeftOut, ...]
    weighed: Weighed

    @property
    def uses(self) -> tuple[str, ...]:
        """The uses that all the takes are allowed for."""
        return self.weighed.uses

    @property
    def refused(self) -> tuple[LeftOut, ...]:
        return tuple(one for one in self.left_out if one.refused)


def choose(session: Session, policy: Policy, catalogs: Sequence[str]) -> Chosen:
    """The takes of catalogs, by the facts and reviews of now. Raises TrainingError for a catalog that is not there."""
    _check_names(session, catalogs)
    wanted = [in_catalog(name) & with_status("done") for name in dict.fromkeys(catalogs)]
    rows = [row for condition in wanted for row in take_rows(session, condition)]
    left = [*_of_others(session, rows)]
    gone = {one.take for one in left}
    left += _rejected(session, [row for row in rows if row.id not in gone])
    gone |= {one.take for one in left}
    kept = [row for row in rows if row.id not in gone]
    weighed = weigh(session, policy, [row.id for row in kept])
    catalog_of = {row.id: row.catalog for row in kept}
    left += [LeftOut(take, catalog_of[take], why, True) for take, why in weighed.refused.items()]
    items = []
    for row in kept:
        if row.id in weighed.refused:
            continue
        mix = _mix(row.assets)
        if mix is None or row.pcm_sha256 is None:
            left.append(LeftOut(row.id, row.catalog, "it has no stored mix", False))
        else:
            items.append(_item(row, mix))
    return Chosen(tuple(sorted(items, key=lambda item: item.take)), tuple(left), weighed)


def _check_names(session: Session, catalogs: Sequence[str]) -> None:
    known = [name for name, _ in catalog_names(session)]
    if faults := [f"no catalog {shown(name)}; {nearest(name, known) if known else 'make one with `cueworks generate`'}"
                  for name in catalogs if name not in known]:  # fmt: skip
        raise TrainingError(faults)


def _of_others(session: Session, rows: Sequence[TakeRow]) -> Iterable[LeftOut]:
    """Takes that the composer did not make, by their name or by how they came here."""
    named = [row.id for row in rows if row.generator == COMPOSER]
    derived = stated_licences(session, named) if has_stated_licences(session) else {}
    for row in rows:
        if row.generator != COMPOSER:
            why = f"it was made by {row.generator}: what that was trained on is not this database's to show"
            yield LeftOut(row.id, row.catalog, why, True)
        elif _came_from_elsewhere(row, [kind for kind, *_ in derived.get(row.id, ())]):
            why = f"it is called the {COMPOSER}'s, but was brought in: what it was made of is not on record here"
            yield LeftOut(row.id, row.catalog, why, True)


def _came_from_elsewhere(row: TakeRow, derivations: Sequence[str]) -> bool:
    sources = any(asset.role == "source" for asset in row.assets)
    return sources or "import" in derivations or not REVISIONS.fullmatch(row.revision)


def _rejected(session: Session, rows: Sequence[TakeRow]) -> Iterable[LeftOut]:
    """Takes that a person rejected, or that their order's `accept` did."""
    ids = [row.id for row in rows]
    reviewed = decisions(session, ids) if ids else {}
    for row in rows:
        by_person = reviewed.get(row.id) == "reject"
        if by_person or (row.acceptance is not None and row.acceptance.outcome == "rejected"):
            who = "a person" if by_person else "its order's own rule"
            yield LeftOut(row.id, row.catalog, f"{who} rejected it", False)


def _mix(assets: Sequence[AssetRow]) -> AssetRow | None:
    mixes = sorted((asset for asset in assets if asset.role == "mix"), key=lambda asset: asset.media_type)
    return next((asset for asset in mixes if asset.media_type in LOSSLESS), mixes[0] if mixes else None)


def _item(row: TakeRow, mix: AssetRow) -> Item:
    controls = Controls.from_json(row.controls)
    assert row.pcm_sha256 is not None
    return Item(
        row.id, row.catalog, row.state, controls.loop, mix.sha256, mix.media_type, row.pcm_sha256, row.prompt, row.seed,
        row.controls, tuple(told_beside("", controls)), tuple(told_beside(row.prompt, controls)),
        row.zone, row.cue, row.point,
    )  # fmt: skip


def told(left_out: Sequence[LeftOut]) -> list[str]:
    """Why takes are left out, a sentence per reason with how many and a few of them."""
    counts = Counter((one.catalog, one.reason) for one in left_out)
    lines = []
    for (catalog, reason), count in counts.most_common():
        named = [one.take[:12] for one in left_out if (one.catalog, one.reason) == (catalog, reason)][:MOST_NAMED]
        lines.append(f"{catalog}: {count} takes ({', '.join(named)}{', ...' if count > len(named) else ''}): {reason}")
    return lines


def as_rows(left_out: Sequence[LeftOut]) -> tuple[Mapping[str, Any], ...]:
    """Plain JSON values."""
    return tuple(one.as_json() for one in left_out)
