"""An audit's rows, totals and chains as plain JSON values: what `--json` prints and `.json` files hold.

Names are those of the dataclasses; times are ISO 8601 in UTC, paths absolute. Decides nothing.
"""

import json
from dataclasses import is_dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from services.audit.rows import Asked, AuditRow, AuditSummary, TakeChain


def plain(value: Any) -> Any:
    """`value` as JSON holds it: dataclasses as objects, tuples as arrays, times and days as text."""
    if is_dataclass(value) and not isinstance(value, type):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return value.isoformat() if isinstance(value, date | datetime) else value


@lru_cache(maxsize=4096)
def _shared(value: Any) -> Any:
    """What many takes share is made plain once."""
    return plain(value)


def asked_json(asked: Asked) -> dict[str, Any]:
    """The question, with the licensee as briefs write it."""
    licensee = {"kind": asked.licensee_kind, "annual_revenue_usd": asked.revenue}
    told = {"catalog": asked.catalog, "use": asked.use, "licensee": licensee}
    return {**told, "as_of": asked.as_of.isoformat(), "known_at": asked.known_at.isoformat()}


def summary_json(summary: AuditSummary) -> dict[str, Any]:
    """The totals: `verdicts`, `statuses` and `licences` count takes; `blocking` as in `AuditSummary`."""
    return {
        **asked_json(summary.asked),
        "title": summary.title,
        "made_at": summary.made_at.isoformat(),
        "count": summary.takes,
        "verdicts": summary.by_answer,
        "statuses": summary.by_status,
        "licences": summary.by_licence,
        "blocking": summary.blocking,
        "reviewed": summary.reviewed,
        "contributions": summary.contributions,
        "generators": plain(summary.generators),
        "releases": plain(summary.releases),
        "briefs": plain(summary.briefs),
        "facts": plain(summary.facts),
        "ledger": plain(summary.ledger),
    }


def row_json(row: AuditRow, home: Path) -> dict[str, Any]:
    """One take; `verdict` is the answer for the audit's question, `reasons`, `facts` and `duties` belong to it."""
    told = {name: getattr(row, name) for name in AuditRow.__dataclass_fields__ if name not in ("judged", "point")}
    shared = ("plan", "record", "release", "review", "releases", "contributions")
    return {
        **{name: _shared(value) if name in shared else plain(value) for name, value in told.items()},
        "point": json.loads(row.point),
        "master_path": str(home / row.master_path) if row.master_path else None,
        "verdict": row.judged.answer,
        **{name: _shared(getattr(row.judged, name)) for name in ("licence", "reasons", "facts", "duties")},
    }


def chain_json(chain: TakeChain, home: Path) -> dict[str, Any]:
    """One take from order to file: every step under its own name."""
    steps = (name for name in TakeChain.__dataclass_fields__ if name not in ("row", "asked"))
    told = {name: plain(getattr(chain, name)) for name in steps}
    for asset in told["assets"]:
        asset["path"] = str(home / asset["path"])
    return {**row_json(chain.row, home), "asked": asked_json(chain.asked), **told}

