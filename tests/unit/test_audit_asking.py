"""What an audit is asked: what is said of it counts, what cannot be meant is refused with a word of what to write."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.asking import AuditError, Wanted, question
from services.audit.rows import Asked

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FIRST = datetime(2026, 1, 1, 9, 30, 5, 250, tzinfo=UTC)
COMPANY: dict[str, Any] = {"kind": "company", "annual_revenue_usd": 5e6}


def asked(known: tuple[datetime, ...] = (FIRST, NOW - timedelta(days=1)), **wanted: Any) -> Asked:
    return question("game", "commercial-game", COMPANY, Wanted(**wanted), known, NOW)


def test_what_is_not_said_is_the_newest_orders_today_and_now() -> None:
    assert asked() == Asked("game", "commercial-game", "company", 5e6, NOW.date(), NOW)


def test_another_licensee_has_no_revenue_of_the_orders() -> None:
    assert (asked(licensee_kind="academic").revenue, asked(revenue=7.0).revenue) == (None, 7.0)


def test_a_day_means_its_end_as_far_as_it_is_over() -> None:
    assert asked(known_at="2026-02-01").known_at == datetime(2026, 2, 1, 23, 59, 59, 999999, tzinfo=UTC)
    assert asked(known_at="2026-03-01").known_at == NOW
    assert asked(as_of="2020-02-29").as_of == date(2020, 2, 29)


@pytest.mark.parametrize(("wanted", "said"), [
    ({"use": "commercial-gam"}, "--use: 'commercial-gam' is no use"), ({"licensee_kind": "x"}, "--licensee"),
    ({"revenue": float("nan")}, "--revenue"), ({"revenue": -1.0}, "--revenue"), ({"revenue": 1e300}, "--revenue"),
    ({"as_of": "2026-02-30"}, "--as-of: '2026-02-30' is no date"), ({"as_of": "2026-03-02"}, "in the future"),
    ({"known_at": "2026-02-30"}, "is no date or time"), ({"known_at": "2026-03-02"}, "in the future"),
    ({"known_at": "0001-01-01T00:00+14:00"}, "--known-at"),
])  # fmt: skip
def test_what_cannot_be_meant_is_refused_by_its_option(wanted: dict[str, Any], said: str) -> None:
    with pytest.raises(AuditError) as refused:
        asked(**wanted)
    assert said in str(refused.value)


def test_before_anything_was_known_it_says_since_when_and_what_to_do() -> None:
    with pytest.raises(AuditError, match="facts are on record here since 2026-01-01T09:30:05Z") as refused:
        asked(known_at="2025-12-31")
    assert "leave --known-at away" in str(refused.value)
    with pytest.raises(AuditError, match="no fact is on record yet; leave --known-at away"):
        asked(known=(), known_at="2026-02-01")


near_dates = st.from_regex(r"[0-9]{1,5}-[0-9]{1,2}-[0-9]{1,2}([T ][0-9:.+Z-]{0,20})?", fullmatch=True)
garbage = st.text(max_size=40) | near_dates | st.datetimes().map(datetime.isoformat)


@given(garbage, garbage, garbage | st.none(), garbage | st.none(), st.floats() | st.none())
def test_garbage_is_refused_or_means_something_that_was(
    as_of: str, known_at: str, use: str | None, kind: str | None, revenue: float | None
) -> None:
    for wanted in ({"as_of": as_of}, {"known_at": known_at}, {"use": use, "licensee_kind": kind, "revenue": revenue}):
        try:
            found = asked(**wanted)
        except AuditError as error:
            assert str(error).startswith("--")
            assert str(error).isprintable()
        else:
            assert found.as_of <= NOW.date()
            assert FIRST <= found.known_at <= NOW
            assert found.revenue is None or 0 <= found.revenue <= 1e15
