"""Reads the file that gives takes their ISRCs: a CSV with the columns `take` and `isrc`. Assigns none itself."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

from services.delivery.errors import DeliveryError
from services.planning.faults import shown
from services.provenance.credentials.claim import check_isrc
from services.provenance.credentials.errors import CredentialsError

LARGEST = 64 << 20
BARE = 12  # ISO 3901 writes none of the hyphens that people read it by


def read_isrcs(path: Path, find: Callable[[str], str]) -> dict[str, str]:
    """ISRC by take id. `find` gives the id of the take that a name means, or raises LookupError saying why not.

    Raises DeliveryError with file and line for what is no take, no ISRC, or there twice."""
    found: dict[str, str] = {}
    codes: set[str] = set()
    for line, row in _rows(path):
        where = f"{path}:{line}"
        name, code = (row.get("take") or "").strip(), _hyphened((row.get("isrc") or "").strip().upper())
        try:
            take_id = find(name)
            check_isrc(code)
        except LookupError as error:
            raise DeliveryError(f"{where}: take: {error}") from None
        except CredentialsError:
            raise DeliveryError(f"{where}: isrc: {shown(code)} is no ISRC; write CC-XXX-YY-NNNNN") from None
        if take_id in found:
            raise DeliveryError(f"{where}: take {take_id[:12]} has an ISRC already; keep one line for it")
        if code in codes:
            raise DeliveryError(f"{where}: {code} is another take's already; every recording has its own")
        found[take_id] = code
        codes.add(code)
    return found


def _hyphened(code: str) -> str:
    """`GBAYE0601498` as `GB-AYE-06-01498`; anything else as it is."""
    return "-".join((code[:2], code[2:5], code[5:7], code[7:])) if len(code) == BARE and code.isalnum() else code


def _rows(path: Path) -> list[tuple[int, dict[str, str | None]]]:
    try:
        if path.stat().st_size > LARGEST:
            raise DeliveryError(f"{path}: larger than {LARGEST >> 20} MiB; give a CSV with the columns take and isrc")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DeliveryError(f"{path}: {error.strerror}; give a CSV file that can be read") from None
    except UnicodeDecodeError:
        raise DeliveryError(f"{path}: is no UTF-8 text; save it as CSV in UTF-8") from None
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        if not {"take", "isrc"} <= set(reader.fieldnames or ()):
            raise DeliveryError(f"{path}:1: its first line must name the columns take and isrc, as in `take,isrc`")
        return [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise DeliveryError(f"{path}: is no CSV ({error}); write one line a take: `take,isrc`") from None
