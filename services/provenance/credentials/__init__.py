"""Credentials in the file: what leaves says of itself, signed, where it comes from; and reading that back.

The masters in the store stay unsigned and deterministic. When a file is released or exported, `sign_file` writes a
copy with plain tags and a C2PA manifest. Nothing here decodes or changes sound, asks a database, or lets a private key
out of its file.
"""

from services.provenance.credentials.authority import LocalAuthority, rotate
from services.provenance.credentials.claim import Aigc, Claim, check_isrc
from services.provenance.credentials.errors import CredentialsError
from services.provenance.credentials.reading import Credentials, Trust, read_file
from services.provenance.credentials.signers import CallbackSigner, OwnCertificate, Signer, SignerOptions, open_signer
from services.provenance.credentials.signing import Signed, sidecar_of, sign_file, tag_file

__all__ = [
    "Aigc", "CallbackSigner", "Claim", "Credentials", "CredentialsError", "LocalAuthority", "OwnCertificate", "Signed",
    "Signer", "SignerOptions", "Trust", "check_isrc", "open_signer", "read_file", "rotate", "sidecar_of", "sign_file",
    "tag_file",
]  # fmt: skip
