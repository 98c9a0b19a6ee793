"""What the documents of an audit share: templates in which text stays text, and words for what they tell.

Documents are opened from disk, by strangers, years later: they hold their own style, run no script and ask the
network nothing, which their Content-Security-Policy says too. The same data gives the same bytes. Nothing here reads
a database.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from services.web.templating import clock, size, visible

ANSWER_WORDS = {
    "allowed": "allowed", "allowed-with-duties": "allowed with duties", "refused": "refused", "unknown": "unknown",
}  # fmt: skip
STRICTEST = ("refused", "unknown", "allowed-with-duties", "allowed")
_TEMPLATES = Path(__file__).with_name("templates")


@cache
def environment() -> Environment:
    """Where templates come from. Whatever is put in is escaped, and what cannot be seen is made visible."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, finalize=visible,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.filters.update(
        clock=clock, size=size, moment=moment, day=day, period=period, count=count, takes=takes, words=answer_words,
        strictest=strictest, usd=usd, licensee=licensee_text,
    )  # fmt: skip
    return made


@cache
def styled(*sheets: str) -> dict[str, Markup]:
    """The style of `sheets` together, and the policy (W3C Content Security Policy) that admits nothing else."""
    style = "".join((_TEMPLATES / sheet).read_text(encoding="utf-8") for sheet in sheets)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-{digest}'"
    return {"style": Markup(style), "policy": Markup(policy)}


def moment(at: datetime) -> str:
    """A time as people read it: `2026-03-01 12:00:05 UTC`."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def day(on: date | None, open_end: str = "open") -> str:
    """A day as `2026-03-01`; `open_end` where there is none."""
    return on.isoformat()[:10] if on else open_end


def period(start: date | None, end: date | None) -> str:
    """When something held: `always`, `since 2026-01-01`, `until 2026-12-31`, `2026-01-01 to 2026-12-31`."""
    if start and end:
        return f"{day(start)} to {day(end)}"
    return f"since {day(start)}" if start else f"until {day(end)}" if end else "always"


def strictest(reasons: Iterable[Any]) -> list[Any]:
    """Reasons of a verdict, those that weigh most first."""
    return sorted(reasons, key=lambda why: STRICTEST.index(why.answer) if why.answer in STRICTEST else 0)


def usd(amount: float) -> str:
    """An amount as `250,000 USD`."""
    return f"{amount:,.2f}".removesuffix(".00") + " USD"


def licensee_words(kind: str | None, revenue: float | None) -> str:
    """A licensee as a sentence names it, `a company with a revenue of 250,000 USD a year`."""
    told = {"company": "a company", "individual": "an individual", "academic": "an academic institution"}
    who = told.get(kind, kind) if kind else "a licensee whose kind is not stated"
    return f"{who} with a revenue of {usd(revenue)} a year" if revenue is not None else str(who)


def licensee_text(licensee: Mapping[str, Any]) -> str:
    """A licensee as an order states it; "" where it states none."""
    if not licensee:
        return ""
    revenue = licensee.get("annual_revenue_usd")
    amount = float(revenue) if isinstance(revenue, int | float) else None
    return licensee_words(str(licensee["kind"]) if licensee.get("kind") else None, amount)


def count(number: int) -> str:
    """A count with thin spaces between thousands, as `1 000 000`."""
    return f"{number:,}".replace(",", "\u202f")


def takes(number: int) -> str:
    """`1 take`, `2 takes`."""
    return f"{count(number)} take{'' if number == 1 else 's'}"


def answer_words(answer: str) -> str:
    """An answer as people say it; one that is not known here as it is."""
    return ANSWER_WORDS.get(answer, answer)


def point_text(point: str) -> str:
    """A point of the axes, given as JSON text, as `time night, weather rain`; other text as it is."""
    try:
        values = json.loads(point)
    except ValueError:
        return point
    return ", ".join(f"{axis} {value}" for axis, value in values.items()) if isinstance(values, dict) else point


def take_name(row: Any) -> str:
    """What people call a take: `combat / ashwood / take 3`; its point of the axes between them where it has one."""
    parts = [row.cue, row.zone, point_text(row.point), f"take {row.index + 1}"]
    return " / ".join(part for part in parts if part)
