"""What every page is made with: templates that escape, the digests of its script and style, files replaced whole.

Everything shown is hostile text (prompts above all): it is escaped, control and bidirectional characters are made
visible, and a page's Content-Security-Policy admits only its own script and style, by their digests. No page is
designed here, and nothing but text is written.
"""

import base64
import hashlib
import math
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from services.storage.whole import whole_file

PICTURE_MARGIN = 12 / 960  # share of a picture's width that lies on either side of its sound

_TEMPLATES = Path(__file__).with_name("templates")
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(value: Any) -> Any:
    """Text with its control, bidirectional and lone surrogate characters as `[U+202E]`; other values as they are."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return _UNSEEN.sub(lambda match: f"[U+{ord(match[0]):04X}]", value.replace("\r\n", "\n"))


def clock(seconds: float) -> str:
    """Seconds as `m:ss`, rounded to the nearest second."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def size(count: int) -> str:
    """Bytes as people read them: `820 B`, `12 kB`, `1.4 MB`."""
    if count < 1000:
        return f"{count} B"
    power = min(int(math.log10(count) // 3), 3)
    amount = count / 1000**power
    return f"{amount:.{1 if power > 1 and amount < 10 else 0}f} {('kB', 'MB', 'GB')[power - 1]}"


@cache
def environment() -> Environment:
    """The templates, with `clock`, `size` and the picture's margin."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, finalize=visible,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.filters.update(clock=clock, size=size)
    made.globals["picture_margin"] = PICTURE_MARGIN
    return made


@cache
def code(styles: tuple[str, ...], scripts: tuple[str, ...]) -> Mapping[str, Markup]:
    """A page's style and script, each joined of files, and the policy (W3C Content Security Policy, hashes) that admits
    nothing else."""
    style, script = ("\n".join(_text(name) for name in names) for names in (styles, scripts))
    policy = (
        f"default-src 'none'; img-src 'self' file:; media-src 'self' file:; base-uri 'none'; form-action 'none'; "
        f"style-src {_digest(style)}; script-src {_digest(script)}"
    )
    return {"style": Markup(style), "script": Markup(script), "policy": Markup(policy)}


def page_names(stem: str, count: int) -> list[str]:
    """`index.html`, `index-2.html`, ... : at least one."""
    return [f"{stem}.html" if number == 1 else f"{stem}-{number}.html" for number in range(1, max(count, 1) + 1)]


def write_texts(folder: Path, stem: str, texts: dict[str, str]) -> Path:
    """Write the pages of one kind into `folder`, which is made if missing, and return the path of the first.

    Every file is replaced atomically, the first page last, so no link ever leads nowhere; pages of a longer past are
    removed. Raises OSError where the folder cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in reversed(texts.items()):
        with whole_file(folder / file) as part:
            part.write_text(text, encoding="utf-8", newline="\n")
    for path in folder.glob(f"{stem}-*.html"):
        if re.fullmatch(rf"{stem}-\d+\.html", path.name) and path.name not in texts:
            path.unlink()
    return folder / f"{stem}.html"


def _text(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _digest(code: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'"
