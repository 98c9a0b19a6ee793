"""What an audit is asked: catalog, use, licensee, the day that counts and the moment whose knowledge does.

Why it exists: an audit's answer is worth nothing when its question was misread. What is not said is taken from the
catalog's newest brief, today and now; what cannot be meant is refused. Reads nothing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from math import isfinite
from typing import Any

from services.audit.rows import Asked
from services.planning.faults import nearest, shown
from services.planning.words import LICENSEES, USES

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
MOST_REVENUE = 1e15


class AuditError(ValueError):
    """The audit cannot be made as it was asked for; the message names the option and what to write."""


@dataclass(frozen=True)
class Wanted:
    """The options as they were written; None where nothing was said."""

    use: str | None = None
    licensee_kind: str | None = None
    revenue: float | None = None
    as_of: str | None = None
    known_at: str | None = None


def question(
    catalog: str, use: str, licensee: dict[str, Any], wanted: Wanted, known: Sequence[datetime], now: datetime
) -> Asked:
    """The question; `use` and `licensee` are the newest brief's, `known` when facts were recorded, oldest first.

    A licensee that is named by its kind is that licensee, with the revenue that was said or none. Raises AuditError.
    """
    if wanted.use is not None and wanted.use not in USES:
        raise AuditError(f"--use: {shown(wanted.use)} is no use; {nearest(wanted.use, USES)}")
    kind, revenue = wanted.licensee_kind, wanted.revenue
    if kind is not None and kind not in LICENSEES:
        raise AuditError(f"--licensee: {shown(kind)} is no kind of licensee; {nearest(kind, LICENSEES)}")
    if revenue is not None and not (isfinite(revenue) and 0 <= revenue <= MOST_REVENUE):
        raise AuditError(f"--revenue: {revenue} is no revenue; write US dollars a year")
    if kind is None:
        kind, revenue = licensee.get("kind"), licensee.get("annual_revenue_usd") if revenue is None else revenue
    return Asked(
        catalog=catalog, use=wanted.use or use or USES[0], licensee_kind=kind, revenue=revenue,
        as_of=_as_of(wanted.as_of, now), known_at=_known_at(wanted.known_at, known, now),
    )  # fmt: skip


def _as_of(text: str | None, now: datetime) -> date:
    today = now.date()
    if text is None:
        return today
    day = _day(text)
    if day is None:
        raise AuditError(f"--as-of: {shown(text)} is no date; write one as {today.isoformat()}")
    if day > today:
        raise AuditError(f"--as-of: {day} is in the future (today is {today}, UTC): nobody knows yet what will hold")
    return day


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def _known_at(text: str | None, known: Sequence[datetime], now: datetime) -> datetime:
    """A day means its end, as far as it is over."""
    latest = max(now, known[-1]) if known else now
    if text is None:
        return latest
    at = _moment(text)
    if at is None:
        example = now.replace(microsecond=0).isoformat().replace("+00:00", "Z")
        raise AuditError(f"--known-at: {shown(text)} is no date or time; write one as {now.date()} or {example}")
    if at > latest and _day(text) != latest.date():
        raise AuditError(f"--known-at: {text} is in the future (now is {now:%Y-%m-%dT%H:%M:%SZ})")
    if not known or at < known[0]:
        raise AuditError(f"--known-at: nothing was known at {text}; {_since(known)}")
    return min(at, latest)


def _since(known: Sequence[datetime]) -> str:
    if not known:
        return "no fact is on record yet; leave --known-at away, then this release's facts count"
    first = known[0].astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return (
        f"facts are on record here since {first}: name a time after that, or leave --known-at away to judge by all "
        "that is known now (--as-of alone asks what held on an earlier day)"
    )


def _moment(text: str) -> datetime | None:
    if day := _day(text):
        return datetime.combine(day, time.max, UTC)
    try:
        at = datetime.fromisoformat(text) if _DAY.match(text) else None
        return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC) if at else None
    except (ValueError, OverflowError):
        return None
