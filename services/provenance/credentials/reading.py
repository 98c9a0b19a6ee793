"""Reading credentials of any file, ours or not: always a result with reasons, whatever the bytes are.

Nothing is fetched over the network, nothing is written, no key is needed. What a manifest says is a claim of whoever
signed it: believe `take_id` as ours only together with `ours`.
"""

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal

from services.provenance.credentials import authority, native
from services.provenance.credentials.claim import TAKE_ASSERTION, said_of_take
from services.provenance.credentials.errors import CredentialsError, clipped
from services.provenance.credentials.formats import container_of
from services.provenance.credentials.id3 import MANIFEST_STORE
from services.provenance.credentials.identity import load_chain, to_pem
from services.provenance.credentials.signing import SIDECAR, sidecar_of

State = Literal["none", "valid", "trusted", "untrusted-signer", "invalid"]
_LARGEST_SIDECAR = 1 << 25
_MOST_REASONS = 50
_LOOK = 1 << 20
_UNTRUSTED = "signingCredential.untrusted"
_NO_MANIFEST = ("ManifestNotFound", "NotSupported", "no JUMBF data found")
SENTENCES = {
    "assertion.dataHash.mismatch": "the file's bytes were changed after it was signed",
    "assertion.hashedURI.mismatch": "a statement in the manifest was changed after it was signed",
    "claimSignature.mismatch": "the signature does not fit the claim",
    "claimSignature.outsideValidity": "the certificate was not valid when the file was signed, or no time stamp says "
    "that it was",
    "signingCredential.expired": "the signer's certificate is expired, and no time stamp says that the file is older",
    "signingCredential.invalid": "the signer's certificate may not sign content",
    "signingCredential.untrusted": "the signer's certificate leads to no root that is trusted here",
    "timeStamp.mismatch": "the time stamp belongs to another signature",
}


@dataclass(frozen=True)
class Trust:
    """Whose signatures are trusted: the keys in `folder` (ours), and the roots in the PEM files `anchors`."""

    folder: Path | None = None
    anchors: tuple[Path, ...] = ()


NO_TRUST = Trust()


@dataclass(frozen=True)
class Credentials:
    """What a file's credentials are worth.

    state: `none` (there are none), `trusted` (whole, the signer is trusted), `untrusted-signer` (whole, by a signer
    that is not), `valid` (whole, and nobody's trust was asked for), `invalid` (changed, damaged, or badly signed).
    reasons: sentences, each ending with C2PA's code where there is one. `ours` holds when one of our own keys signed
    what is whole. `claim` is what the manifest says of a take of ours, in any state. `signed_at` is a time stamp's.
    """

    state: State
    reasons: tuple[str, ...]
    ours: bool = False
    claim: Mapping[str, str] | None = None
    signer: str | None = None
    signed_at: datetime | None = None
    title: str | None = None
    sidecar: Path | None = None

    @property
    def whole(self) -> bool:
        """Whether the signed bytes are unchanged."""
        return self.state in ("valid", "trusted", "untrusted-signer")

    @property
    def take_id(self) -> str | None:
        """The take that whole credentials name; None when they are missing or broken. Only `ours` makes it true."""
        return self.claim["take_id"] if self.claim and self.whole else None


def read_file(path: Path, sidecar: Path | None = None, trust: Trust = NO_TRUST) -> Credentials:
    """The credentials of a file, in it or beside it (`<name>.c2pa`, else `<stem>.c2pa`).

    Never raises for what is in the files; an OSError of opening `path` goes through."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        return Credentials("none", (f"{path}: not a regular file",))
    if not status.st_size:
        return Credentials("none", (f"{path}: empty, 0 bytes",))
    with path.open("rb") as file:
        embedded = _judged(file, None, trust)
        place = sidecar or _beside(path)
        if embedded.state != "none" or place is None:
            return embedded
        return _with_sidecar(file, place, trust)


def _beside(path: Path) -> Path | None:
    """The sidecar that lies beside a file; an audio file's own name wins over its stem."""
    if path.suffix == SIDECAR:
        return None
    return next((place for place in (sidecar_of(path), path.with_suffix(SIDECAR)) if place.is_file()), None)


def _with_sidecar(file: BinaryIO, place: Path, trust: Trust) -> Credentials:
    try:
        if not stat.S_ISREG(place.stat().st_mode):
            return Credentials("none", (f"{place}: not a regular file",))
        with place.open("rb") as opened:
            data = opened.read(_LARGEST_SIDECAR + 1)
    except OSError as error:
        return Credentials("none", (f"{place}: {error.strerror}",))
    if len(data) > _LARGEST_SIDECAR:
        return Credentials("invalid", (f"{place}: more than {_LARGEST_SIDECAR >> 20} MiB, no manifest",), sidecar=place)
    if not data:
        return Credentials("invalid", (f"{place}: empty, 0 bytes",), sidecar=place)
    found = _judged(file, data, trust)
    state: State = "invalid" if found.state == "none" else found.state
    return replace(found, state=state, sidecar=place)


def _judged(file: BinaryIO, sidecar: bytes | None, trust: Trust) -> Credentials:
    """The result for one file and one place of its manifest. Who signed is asked of our own roots first, then of our
    other signers, then of the roots that the caller trusts: only the first two make it ours."""
    found = _report(file, sidecar, _own_roots(trust))
    if isinstance(found, str):
        return _without_manifest(file, found, sidecar is not None)
    result = _result(found, asked=trust != NO_TRUST, ours=True)
    if result.state == "untrusted-signer":
        result = _known_signer(file, sidecar, trust, found) or result
    if result.state == "untrusted-signer" and trust.anchors:
        found = _report(file, sidecar, _anchors(trust.anchors))
        return result if isinstance(found, str) else _result(found, asked=True, ours=False)
    return result


def _report(file: BinaryIO, sidecar: bytes | None, anchors: str) -> dict[str, Any] | str:
    container = container_of(file)
    file.seek(0)
    return native.read(container.media_type if container else None, file, sidecar, anchors)


def _known_signer(file: BinaryIO, sidecar: bytes | None, trust: Trust, found: dict[str, Any]) -> Credentials | None:
    """The result by the issuer of the signer of ours whose serial number the file names; None where there is none."""
    chains = authority.known_signers(trust.folder) if trust.folder else ()
    serial = _signature(_active(found)).get("cert_serial_number")
    for pem in chains:
        chain = load_chain(pem, str(trust.folder))
        if str(chain[0].serial_number) == serial:
            report = _report(file, sidecar, to_pem(chain[-1]).decode())
            if isinstance(report, dict) and report.get("validation_state") == "Trusted":
                return _result(report, asked=True, ours=True)
    return None


def _own_roots(trust: Trust) -> str:
    return _text(authority.roots(trust.folder)) if trust.folder else ""


def _text(certificates: Iterable[bytes]) -> str:
    return b"".join(certificates).decode()


def _anchors(paths: tuple[Path, ...]) -> str:
    """Raises CredentialsError where a file of trusted roots, which is a setting, cannot be read."""
    texts = []
    for path in paths:
        try:
            texts.append(_text(map(to_pem, load_chain(path.read_bytes(), str(path)))))
        except OSError as error:
            raise CredentialsError(f"{path}: {error.strerror}; give a PEM file of root certificates") from None
    return "".join(texts)


def _result(report: dict[str, Any], asked: bool, ours: bool) -> Credentials:
    """What the library's report says in our words; `asked` is whether anybody's trust was, `ours` whether of ours."""
    manifest = _active(report)
    codes = report.get("validation_results", {}).get("activeManifest", {})
    failures = [*codes.get("failure", ()), *_of_ingredients(report)]
    state = _state(str(report.get("validation_state")), asked)
    signature = _signature(manifest)
    return Credentials(
        state=state,
        reasons=_reasons(state, failures, signature),
        ours=ours and state == "trusted",
        claim=_claim(manifest),
        signer=clipped(signature.get("common_name") or signature.get("issuer") or "") or None,
        signed_at=_time(signature.get("time")),
        title=clipped(manifest.get("title") or "") or None,
    )


def _active(report: dict[str, Any]) -> Mapping[str, Any]:
    return report.get("manifests", {}).get(report.get("active_manifest")) or {}


def _signature(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    return manifest.get("signature_info") or {}


def _state(said: str, asked: bool) -> State:
    if said == "Trusted":
        return "trusted"
    if said == "Valid":
        return "untrusted-signer" if asked else "valid"
    return "invalid"


def _reasons(state: State, failures: list[dict[str, Any]], signature: Mapping[str, Any]) -> tuple[str, ...]:
    """A sentence for everything that failed; where trust was not asked for, nobody's absence is no failure."""
    told = [_sentence(each) for each in failures if state != "valid" or each.get("code") != _UNTRUSTED]
    if told:
        return tuple(dict.fromkeys(told[:_MOST_REASONS]))
    who = clipped(signature.get("common_name") or "an unnamed signer")
    if state == "invalid":
        return ("C2PA calls it invalid, without a code",)
    return (f"unchanged since {who} signed it (assertion.dataHash.match)",)


def _sentence(failure: Mapping[str, Any]) -> str:
    code = clipped(failure.get("code") or "unknown")
    return f"{SENTENCES.get(code) or clipped(failure.get('explanation') or 'a check failed')} ({code})"


def _of_ingredients(report: dict[str, Any]) -> list[dict[str, Any]]:
    deltas = report.get("validation_results", {}).get("ingredientDeltas") or ()
    return [each for delta in deltas for each in delta.get("validationDeltas", {}).get("failure", ())]


def _claim(manifest: Mapping[str, Any]) -> Mapping[str, str] | None:
    for assertion in manifest.get("assertions") or ():
        if assertion.get("label") == TAKE_ASSERTION:
            return said_of_take(assertion.get("data"))
    return None


def _time(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _without_manifest(file: BinaryIO, said: str, beside: bool) -> Credentials:
    """`invalid` where there is a manifest that cannot be read, `none` where there is none, or it was cut off."""
    if beside:
        return Credentials("invalid", (f"the sidecar holds no manifest that can be read: {said}",))
    kind = container_of(file)
    whole = any(words in said for words in _NO_MANIFEST)
    if not whole and _holds_manifest(file):
        return Credentials("invalid", (f"the manifest, or the file around it, is damaged: {said}",))
    if kind is None:
        return Credentials("none", ("not a kind of file that carries credentials",))
    if not whole:
        return Credentials("none", (f"no manifest, and this {kind.name} file is truncated or damaged: {said}",))
    return Credentials("none", (f"no manifest in this {kind.name} file",))


def _holds_manifest(file: BinaryIO) -> bool:
    """Whether a C2PA manifest store begins near the start or the end of the file, where every container has it."""
    size = os.fstat(file.fileno()).st_size
    for start in (0, max(0, size - _LOOK)):
        file.seek(start)
        if MANIFEST_STORE in file.read(_LOOK):
            return True
    return False
