"""The Signer port and the adapters for keys that are the user's own: a PEM file, a function, a command.

`LocalAuthority` (authority.py) is the default. A signer gives its identity and signs bytes; nothing else about its key
is ever asked for, so keys may live in a hardware module. What a callback prints or raises never enters a message.
"""

import importlib
import os
import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from services.provenance.credentials import authority, signatures
from services.provenance.credentials.authority import LocalAuthority
from services.provenance.credentials.errors import CredentialsError
from services.provenance.credentials.identity import Identity, identity_of

SIGN_WITHIN_S = 60.0
_LARGEST_PEM = 1 << 20
_NEW = "ask its issuer for a new one and set CUEWORKS_C2PA_CERTIFICATE"


class Signer(Protocol):
    """Signs for one identity."""

    def identity(self) -> Identity:
        """The certificate chain to sign with now. Raises CredentialsError when there is none that can be used."""
        ...

    def sign(self, data: bytes) -> bytes:
        """The leaf's signature over `data`: ECDSA as DER or as two numbers, PSS with SHA-256, or Ed25519."""
        ...


class OwnCertificate:
    """A Signer with the user's chain (leaf first) and unencrypted private key in PEM files."""

    def __init__(self, chain: Path, key: Path, time_stamp_url: str | None = None) -> None:
        """Raises CredentialsError when they cannot be used together."""
        self._identity = identity_of(_read_pem(chain), str(chain), _NEW, time_stamp_url)
        self._key = _private_key(key)
        if self._key.public_key() != self._identity.leaf.public_key():
            raise CredentialsError(f"{key}: not the key of the first certificate in {chain}; give the two that belong "
                                   "together")  # fmt: skip

    def identity(self) -> Identity:
        return self._identity

    def sign(self, data: bytes) -> bytes:
        return signatures.sign(self._key, data)


class CallbackSigner:
    """A Signer that asks a function for signatures; its certificate chain is the user's."""

    def __init__(
        self, chain: Path, call: Callable[[bytes], bytes], where: str = "the callback signer",
        time_stamp_url: str | None = None,
    ) -> None:  # fmt: skip
        self._identity = identity_of(_read_pem(chain), str(chain), _NEW, time_stamp_url)
        self._call, self._where = call, where

    @classmethod
    def from_name(cls, chain: Path, name: str, time_stamp_url: str | None = None) -> "CallbackSigner":
        """With the Python callable `module:function`, which takes bytes and returns a signature."""
        module, _, function = name.partition(":")
        try:
            call = getattr(importlib.import_module(module), function)
        except (ImportError, AttributeError, ValueError) as error:
            raise CredentialsError(f"signer {name!r}: {type(error).__name__}; write module:function") from None
        if not callable(call):
            raise CredentialsError(f"signer {name!r} cannot be called; write module:function")
        return cls(chain, call, f"signer {name!r}", time_stamp_url)

    @classmethod
    def from_command(cls, chain: Path, command: Sequence[str], time_stamp_url: str | None = None) -> "CallbackSigner":
        """With a program that reads bytes from its input and writes the raw signature; no shell is involved."""
        if not command:
            raise CredentialsError("signing command: empty; write a program and its arguments")
        return cls(chain, lambda data: _run(command, data), f"signing command {command[0]!r}", time_stamp_url)

    def identity(self) -> Identity:
        return self._identity

    def sign(self, data: bytes) -> bytes:
        """Raises CredentialsError when the callback fails. What it gave is checked before it enters a file."""
        try:
            return bytes(self._call(data))
        except CredentialsError:
            raise
        except Exception as error:  # what it says may hold a secret: only its kind is told
            raise CredentialsError(f"{self._where} failed with {type(error).__name__}; check it by hand") from None


@dataclass(frozen=True)
class SignerOptions:
    """Whose key signs: nothing set means the local authority. `command` is split as a shell would, without one."""

    certificate: Path | None = None
    key: Path | None = None
    callback: str | None = None
    command: str | None = None
    time_stamp_url: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "SignerOptions":
        """CUEWORKS_C2PA_CERTIFICATE with one of _KEY, _CALLBACK, _COMMAND; CUEWORKS_C2PA_TIME_STAMP_URL."""

        def path(name: str) -> Path | None:
            text = environment.get(f"CUEWORKS_C2PA_{name}")
            return Path(text).expanduser() if text else None

        return cls(
            certificate=path("CERTIFICATE"), key=path("KEY"),
            callback=environment.get("CUEWORKS_C2PA_CALLBACK") or None,
            command=environment.get("CUEWORKS_C2PA_COMMAND") or None,
            time_stamp_url=environment.get("CUEWORKS_C2PA_TIME_STAMP_URL") or None,
        )  # fmt: skip


def open_signer(folder: Path, options: SignerOptions = SignerOptions()) -> Signer:
    """The signer that `options` ask for; a local authority is made in `folder` on first use.

    A signer of the user's own is noted in `folder`, so that its files are known as ours. Raises CredentialsError."""
    ways = [way for way in (options.key, options.callback, options.command) if way is not None]
    if not ways and options.certificate is None:
        return LocalAuthority(folder, options.time_stamp_url)
    if len(ways) != 1 or options.certificate is None:
        raise CredentialsError(
            "signing: set CUEWORKS_C2PA_CERTIFICATE and exactly one of CUEWORKS_C2PA_KEY, CUEWORKS_C2PA_CALLBACK and "
            "CUEWORKS_C2PA_COMMAND, or none of them for the local authority"
        )
    signer = _own_signer(options.certificate, options)
    authority.remember(folder, signer.identity())
    return signer


def _own_signer(certificate: Path, options: SignerOptions) -> Signer:
    if options.key is not None:
        return OwnCertificate(certificate, options.key, options.time_stamp_url)
    if options.callback is not None:
        return CallbackSigner.from_name(certificate, options.callback, options.time_stamp_url)
    return CallbackSigner.from_command(certificate, shlex.split(options.command or ""), options.time_stamp_url)


def _run(command: Sequence[str], data: bytes) -> bytes:
    where = f"signing command {command[0]!r}"
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=SIGN_WITHIN_S, check=False)
    except subprocess.TimeoutExpired:
        raise CredentialsError(f"{where} gave nothing within {SIGN_WITHIN_S:.0f} s; run it by hand") from None
    except OSError as error:
        raise CredentialsError(f"{where} cannot be run: {error.strerror}; check CUEWORKS_C2PA_COMMAND") from None
    if done.returncode:
        raise CredentialsError(f"{where} ended with {done.returncode}; run it by hand to see why")
    return done.stdout


def _read_pem(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST_PEM)
    except OSError as error:
        raise CredentialsError(f"{path}: {error.strerror}; give a PEM file that can be read") from None


def _private_key(path: Path) -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return load_pem_private_key(_read_pem(path), None)
    except TypeError:
        raise CredentialsError(f"{path}: the key is encrypted; decrypt it, or use a callback signer") from None
    except Exception:  # what the parser says may quote the file
        raise CredentialsError(f"{path}: holds no private key in PEM that can be used") from None
