"""A brief made from one sentence, for `generate --prompt`: the same schema, the same limits, the same identity rules.

Nothing here reads a file or decides what the sentence means.
"""

import hashlib
import re
import unicodedata
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from services.planning import document
from services.planning.faults import BriefError, Fault
from services.planning.prompt import read_prompt
from services.planning.reader import ReadBrief, read_bytes
from services.planning.templates import escape
from services.planning.values import HOME_FOLDERS, MOST_PROMPT

MOST_SLUG = 40
DURATION = 30.0


def adhoc(
    prompt: str,
    takes: int = 1,
    *,
    seed: int = 0,
    catalog: str | None = None,
    use: str = "internal-prototype",
    generator: str = "composer",
    duration: float | None = None,
    formats: Collection[str] = (),
    generators: Collection[str] | None = None,
    sound_bank: Path | None = None,
    bank_licence: str | None = None,
) -> ReadBrief:
    """A brief of one cue with `takes` takes of `prompt`. Without a `duration` (seconds) the piece is as long as the
    prompt says, or 30 seconds; it is a loop where the prompt says so. `sound_bank` is a SoundFont that plays, under
    `bank_licence`.

    The catalog is named after the prompt unless `catalog` is given; its text is YAML that `read_bytes` reads back.
    Raises BriefError, without file and line, where the prompt is empty, longer than 2000 characters, holds control
    characters, or another argument is out of its range."""
    text = _checked(prompt)
    said = read_prompt(text)
    state = said.state.value if said.state else "music"
    cue: dict[str, Any] = {"state": state, "prompt": escape(text), "takes": takes}
    if duration is not None or (said.duration is None and said.bars is None):
        cue["duration"] = DURATION if duration is None else duration
    data: dict[str, Any] = {
        "catalog": catalog if catalog is not None else slug(text), "title": text[:200], "seed": seed, "use": use,
        "generator": generator, "cues": [cue],
    }
    if formats:
        cue["formats"] = list(formats)
    if sound_bank is not None:
        data["sound_bank"] = {"file": sound_bank.name} | ({"licence": bank_licence} if bank_licence else {})
    written = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=1 << 20).encode()
    try:
        return read_bytes(written, None, generators, sound_bank)
    except BriefError as error:
        raise BriefError(replace(fault, field=fault.field.removeprefix("cues[0].")) for fault in error.faults) from None


def slug(text: str) -> str:
    """A catalog name for a text: `an-upbeat-jazz-piano-piece`; six digits of its hash behind it where the text had to
    be shortened or changed by more than case and spaces, or is the name of a folder that the home keeps."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold()
    words = re.sub(r"[^a-z0-9]+", "-", ascii_text).strip("-")
    short = words[:MOST_SLUG].rstrip("-")
    if short and short not in HOME_FOLDERS and short == "-".join(text.casefold().split()):
        return short
    digest = hashlib.sha256(text.encode()).hexdigest()[:6]
    return f"{short or 'prompt'}-{digest}"


def _checked(prompt: str) -> str:
    bad = document.forbidden(prompt)
    if bad is not None:
        what = f"character U+{ord(bad):04X} does not belong into a prompt"
        raise BriefError([Fault("prompt", what, "remove it")])
    text = " ".join(prompt.split())
    if not text:
        raise BriefError([Fault("prompt", "the prompt is empty", "say in a sentence what the music is like")])
    if len(text) > MOST_PROMPT:
        what = f"the prompt has {len(text)} characters, more than {MOST_PROMPT}"
        raise BriefError([Fault("prompt", what, "shorten it")])
    return text
