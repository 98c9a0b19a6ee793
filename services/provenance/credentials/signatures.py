"""Signatures as C2PA wants them: made with a key object, and checked before they enter a file.

COSE (RFC 9053) wants ECDSA as two numbers of fixed size; most tools give DER. Both are taken, one is given.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes


def sign(key: Any, data: bytes) -> bytes:
    """The signature of `data` by a private key object of `cryptography`, as COSE wants it."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if isinstance(key, ec.EllipticCurvePrivateKey):
        return _fixed(key.sign(data, ec.ECDSA(_hash(key.curve.key_size))), key.curve.key_size)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, _pss(), _hash(256))
    return bytes(key.sign(data))


def checked(signature: bytes, data: bytes, key: "CertificatePublicKeyTypes") -> bytes | None:
    """The signature as COSE wants it; None when `key` did not make it over `data`."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            return _checked_ec(signature, data, key)
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, _pss(), _hash(256))
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, data)
        return signature
    except (InvalidSignature, ValueError):
        return None


def _checked_ec(signature: bytes, data: bytes, key: Any) -> bytes | None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    size = _size(key.curve.key_size)
    candidates = [signature]
    if len(signature) == 2 * size:
        halves = (int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big"))
        candidates.append(encode_dss_signature(*halves))
    for der in candidates:
        try:
            key.verify(der, data, ec.ECDSA(_hash(key.curve.key_size)))
        except (InvalidSignature, ValueError):
            continue
        return _fixed(der, key.curve.key_size)
    return None


def _fixed(der: bytes, bits: int) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    return b"".join(number.to_bytes(_size(bits), "big") for number in decode_dss_signature(der))


def _size(bits: int) -> int:
    return (bits + 7) // 8


def _hash(bits: int) -> Any:
    from cryptography.hazmat.primitives import hashes

    if bits == 256:
        return hashes.SHA256()
    return hashes.SHA384() if bits == 384 else hashes.SHA512()


def _pss() -> Any:
    from cryptography.hazmat.primitives.asymmetric import padding

    return padding.PSS(padding.MGF1(_hash(256)), salt_length=32)
