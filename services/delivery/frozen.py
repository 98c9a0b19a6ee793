"""What a release would hold, read in one view of the database: the approved takes, with their files and who decided.

Reads only. The same question asked again just before a release is recorded must give the same answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from db.chunks import chunks
from db.releases import (
    ContributionRow,
    Ordered,
    ReviewRow,
    contributions,
    generator_cards,
    newest_reviews,
    ordered_by,
    prompt_digests,
    reviewed_takes,
)
from db.rows import AssetRow, TakeRow
from db.takes import take_rows, with_ids
from services.delivery.errors import DeliveryError
from services.delivery.reviews import APPROVE, check_heeded, unfit
from services.mastering.encode import MEDIA_TYPES

LEFT_HERE = ("picture", "source")  # the listening page's waveform; an imported file, whose sound the mix is


@dataclass(frozen=True)
class FrozenTake:
    """An approved take as it goes out: `files` are its masters, the mix in its formats first."""

    take: TakeRow
    files: tuple[AssetRow, ...]
    review: ReviewRow
    contributions: tuple[ContributionRow, ...]
    prompt_sha256: str
    ordered: Ordered
    card: dict[str, Any]

    @property
    def id(self) -> str:
        return self.take.id

    @property
    def master(self) -> AssetRow:
        """The lossless mix: what the take sounds like."""
        return next(file for file in self.take.assets if file.role == "mix" and file.pcm_sha256)


@dataclass(frozen=True)
class Frozen:
    """The approved takes of a catalog in its order, and why others that were approved are left out."""

    catalog: str
    title: str
    takes: tuple[FrozenTake, ...]
    left_out: tuple[str, ...]


def freeze(session: Session, catalog: tuple[str, str], formats: Sequence[str] = ()) -> Frozen:
    """The approved takes of `catalog` (name, title). `formats` limits the formats of the mixes; stems are as ordered.

    Raises DeliveryError where a take was not made in a format or was rejected since it was approved, or where there is
    no approved take."""
    name, title = catalog
    approved = [id_ for id_, decision in reviewed_takes(session, name).items() if decision == APPROVE]
    rows = [take for part in chunks(approved, 500) for take in take_rows(session, with_ids(part))]
    rows.sort(key=lambda take: (take.position, take.id))
    left_out = tuple(fault for fault in map(unfit, rows) if fault)
    fit = [take for take in rows if unfit(take) is None]
    if not fit:
        why = f"; {left_out[0]}" if left_out else ""
        raise DeliveryError(f"catalog {name!r}: no take to release{why}; approve some with `cueworks review`")
    return Frozen(name, title, tuple(_frozen(session, fit, formats)), left_out)


def _frozen(session: Session, takes: list[TakeRow], formats: Sequence[str]) -> list[FrozenTake]:
    ids = [take.id for take in takes]
    decisions, orders, prompts = newest_reviews(session, ids), ordered_by(session, ids), prompt_digests(session, ids)
    check_heeded(session, takes, decisions)
    parts, cards = contributions(session, ids), generator_cards(session)
    return [
        FrozenTake(
            take, _files(take, formats), decisions[take.id], tuple(parts.get(take.id, ())), prompts[take.id],
            orders[take.id], cards[take.generator, take.revision],
        )
        for take in takes
    ]  # fmt: skip


def _files(take: TakeRow, formats: Sequence[str]) -> tuple[AssetRow, ...]:
    wanted = {MEDIA_TYPES[name]: name for name in formats}
    made = {asset.media_type for asset in take.assets if asset.role == "mix"}
    if missing := [name for media_type, name in wanted.items() if media_type not in made]:
        what = f"take {take.id[:12]}: was not made as {missing[0]}"
        raise DeliveryError(f"{what}; leave it out of --formats, or order it in the brief's formats")
    if not any(asset.role == "mix" and asset.pcm_sha256 for asset in take.assets):
        raise DeliveryError(f"take {take.id[:12]}: no master is recorded; run `cueworks verify --repair`")
    return tuple(
        asset for asset in take.assets
        if asset.role not in LEFT_HERE and (asset.role != "mix" or not wanted or asset.media_type in wanted)
    )  # fmt: skip
