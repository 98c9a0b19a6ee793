"""Which licence a file goes out under, as one SPDX expression: all that its facts say, joined. Reads only.

Where nothing is known the expression says so (`NOASSERTION`, SPDX 2.3); it is never guessed.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy.orm import Session

from db.releases import generator_cards, recorded_expressions
from db.rows import TakeRow

UNKNOWN = "NOASSERTION"


def joined(expressions: Iterable[str], otherwise: str = "") -> str:
    """`A AND (B OR C)`: every condition holds. `otherwise`, or else `NOASSERTION`, where there is none."""
    found = sorted({expression.strip() for expression in expressions} - {""})
    if not found:
        return otherwise or UNKNOWN
    return " AND ".join(f"({one})" if " OR " in one and len(found) > 1 else one for one in found)


def take_licences(session: Session, takes: Sequence[TakeRow]) -> dict[str, str]:
    """The licence of each take by its newest verdict; by its generator's card where it was never judged."""
    told, cards = recorded_expressions(session, [take.id for take in takes]), generator_cards(session)
    return {
        take.id: joined(told.get(take.id, ()), cards.get((take.generator, take.revision), {}).get("licence", ""))
        for take in takes
    }
