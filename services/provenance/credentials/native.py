"""The C2PA library, once a process: contexts and signers are costly to make and must not cross a fork.

Everything it raises becomes a value or a CredentialsError here. It never fetches anything over the network except
from a time-stamp authority that was set, and writes nothing but the stream it is given.
"""

import json
import os
import threading
from typing import TYPE_CHECKING, Any, BinaryIO

from services.provenance.credentials import signatures
from services.provenance.credentials.errors import CredentialsError, clipped

if TYPE_CHECKING:
    from services.provenance.credentials.identity import Identity
    from services.provenance.credentials.signers import Signer

_MOST_CONTEXTS = 16
_contexts: dict[tuple[Any, ...], Any] = {}
_lock = threading.Lock()


def sign(
    manifest: dict[str, Any], media_type: str, source: Any, target: BinaryIO, signer: "Signer", identity: "Identity",
    embed: bool,
) -> bytes:  # fmt: skip
    """Sign `source` into `target`; returns the manifest's bytes. Raises CredentialsError; OSError of the streams."""
    import c2pa

    asked, read, written = _Asked(signer, identity), _Watched(source), _Watched(target)
    try:
        with _signer(asked, identity) as native, _builder(c2pa, manifest) as builder:
            if not embed:
                builder.set_no_embed()
            return builder.sign(native, media_type, read, written)
    except c2pa.C2paError as error:
        raise asked.fault or read.fault or written.fault or _refused(error, identity) from None


def read(media_type: str | None, source: BinaryIO, sidecar: bytes | None, anchors: str) -> dict[str, Any] | str:
    """The manifest store as the library reports it, or in words why there is none.

    `anchors` holds the trusted roots in PEM."""
    import c2pa

    try:
        context = _context(_settings(anchors))
        with c2pa.Reader(media_type, source, sidecar, context) as reader:
            return json.loads(reader.json())
    except (c2pa.C2paError, ValueError, RecursionError) as error:
        return clipped(error)


class _Watched:
    """A stream on its way through the library, which forgets why one failed: `fault` is the first OSError of it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.fault: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._stream, name)

        def watched(*given: Any) -> Any:
            try:
                return method(*given)
            except OSError as error:
                self.fault = self.fault or error
                raise

        return watched


class _Asked:
    """A signer's answers on their way through the library, which forgets why one failed, and checks none."""

    def __init__(self, signer: "Signer", identity: "Identity") -> None:
        self._signer, self._identity = signer, identity
        self.fault: Exception | None = None

    def __call__(self, data: bytes) -> bytes:
        try:
            return self._checked(self._signer.sign(data), data)
        except Exception as error:  # the library logs what passes through it
            self.fault = error
            return b""

    def _checked(self, signature: bytes, data: bytes) -> bytes:
        good = signatures.checked(signature, data, self._identity.leaf.public_key())
        if good is None:
            raise CredentialsError(
                f"{self._identity.where}: the signer gave no signature by the key of this certificate; "
                "check that they belong together, and run it again"
            )
        return good


def _signer(asked: _Asked, identity: "Identity") -> Any:
    import c2pa

    algorithm = c2pa.C2paSigningAlg[identity.algorithm]
    return c2pa.Signer.from_callback(asked, algorithm, identity.pem, identity.time_stamp_url)


def _builder(c2pa: Any, manifest: dict[str, Any]) -> Any:
    return c2pa.Builder(json.dumps(manifest), _context(_settings("")))


def _settings(anchors: str) -> dict[str, Any]:
    return {
        "version": 1,
        "trust": {"user_anchors": anchors} if anchors else {},
        "verify": {"verify_after_sign": False, "remote_manifest_fetch": False, "ocsp_fetch": False},
        "builder": {"thumbnail": {"enabled": False}},
        "core": {"max_decompressed_manifest_size_in_mb": 16},
    }


def _context(settings: dict[str, Any]) -> Any:
    """The context for `settings`, made once in each process."""
    import c2pa

    key = (os.getpid(), json.dumps(settings, sort_keys=True))
    with _lock:
        if key not in _contexts:
            if len(_contexts) >= _MOST_CONTEXTS:
                _contexts.clear()
            _contexts[key] = c2pa.Context.from_dict(settings)
        return _contexts[key]


def _refused(error: Exception, identity: "Identity") -> CredentialsError:
    said = clipped(error)
    if identity.time_stamp_url and (identity.time_stamp_url in said or "timestamp" in said.casefold()):
        return CredentialsError(
            f"the time-stamp authority {identity.time_stamp_url} gave no time stamp ({said}); "
            "try again later, or unset CUEWORKS_C2PA_TIME_STAMP_URL"
        )
    return CredentialsError(f"{identity.where}: cannot sign ({said})")
