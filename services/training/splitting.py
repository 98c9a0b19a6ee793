"""Which takes are kept from training, so that what is measured on them is measured on music that was never heard.

Takes of one zone share their theme, takes of one point all but the numbers that were drawn: neither is ever divided.
Which groups are held out follows from their names alone. Nothing here reads sound.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from services.training.order import Item, canonical_digest

ZONE, POINT = "zone", "point"
NOTHING = "nothing was held out, for all takes are of one point: the figures are of takes that were learned from"


@dataclass(frozen=True)
class Split:
    """The ids of the takes that are held out, and what they are whole groups of: `ZONE` where a catalog has several,
    else `POINT`; both joined by " and " where catalogs differ, "" where there is but one group and nothing is held
    out."""

    takes: frozenset[str]
    by: str


def held_out(items: Sequence[Item], share: float) -> Split:
    """At least `share` of the takes in whole groups, and at least one group; never all of them, and no group of more
    than half of the takes where there are others."""
    zones: dict[str, set[str | None]] = defaultdict(set)
    for item in items:
        zones[item.catalog].add(item.zone)
    groups: dict[str, list[str]] = defaultdict(list)
    kinds: dict[str, str] = {}
    for item in items:
        by_zone = len(zones[item.catalog]) > 1
        name = canonical_digest([item.catalog, item.zone] if by_zone else [item.catalog, item.cue, dict(item.point)])
        groups[name].append(item.take)
        kinds[name] = ZONE if by_zone else POINT
    if len(groups) < 2:
        return Split(frozenset(), "")
    chosen = _chosen({name: len(takes) for name, takes in groups.items()}, share)
    by = " and ".join(kind for kind in (ZONE, POINT) if kind in {kinds[name] for name in chosen})
    return Split(frozenset(take for name in chosen for take in groups[name]), by)


def _chosen(sizes: dict[str, int], share: float) -> list[str]:
    total, count, found = sum(sizes.values()), Counter[str](), list[str]()
    ordered = sorted(sizes)  # names are digests: an order that says nothing
    fitting = [name for name in ordered if 2 * sizes[name] <= total] or [min(ordered, key=sizes.__getitem__)]
    for name in fitting[: len(sizes) - 1]:
        if found and count.total() >= share * total:
            break
        found.append(name)
        count[name] = sizes[name]
    return found


def told(by: str) -> str:
    """What was held out, for a card: a sentence without its full stop."""
    return {
        "": f"{NOTHING[0].upper()}{NOTHING[1:]}",
        ZONE: "Whole zones were held out: no take of theirs, and so nothing of their themes, was learned from",
        POINT: "Whole points were held out; the catalog has one zone, so that their theme was heard in other takes",
    }.get(by, "Whole zones were held out, and whole points where a catalog has one zone: their theme was heard there")
