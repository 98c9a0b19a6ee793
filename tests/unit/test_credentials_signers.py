"""What every signer promises, asked of each adapter alike; then what only one of them can get wrong."""

import logging
import os
import ssl
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ExtendedKeyUsageOID

from services.provenance.credentials import (
    CallbackSigner,
    CredentialsError,
    LocalAuthority,
    OwnCertificate,
    Signer,
    SignerOptions,
    Trust,
    open_signer,
    read_file,
    rotate,
    sign_file,
)
from services.provenance.credentials.signatures import checked, sign
from tests.unit.credentials_samples import CLAIM, key_pem, make_key, own_chain, own_pair, sample

Make = Callable[[Path], Signer]
NOW = datetime.now(UTC)
PRINTS_A_SIGNATURE = """
import sys
from cryptography.hazmat.primitives.serialization import load_pem_private_key
sys.stdout.buffer.write(load_pem_private_key(open(sys.argv[1], "rb").read(), None).sign(sys.stdin.buffer.read()))
"""


@pytest.fixture(autouse=True)
def no_waiting_for_disks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here has to survive a power cut."""
    monkeypatch.setattr("os.fsync", lambda _handle: None)


def local(folder: Path) -> Signer:
    return LocalAuthority(folder / "c2pa")


def own(kind: str) -> Make:
    def make(folder: Path) -> Signer:
        return OwnCertificate(*own_chain(folder, make_key(kind))[:2])

    return make


def calling(folder: Path) -> Signer:
    """A function that answers in DER, as most hardware does."""
    key = make_key()
    chain, _, _ = own_chain(folder, key)
    return CallbackSigner(chain, lambda data: key.sign(data, ec.ECDSA(hashes.SHA256())))


def commanding(folder: Path) -> Signer:
    chain, key, _ = own_chain(folder, make_key("Ed25519"))
    return CallbackSigner.from_command(chain, [sys.executable, "-c", PRINTS_A_SIGNATURE, str(key)])


SIGNERS = {
    "local": local, "P-256": own("P-256"), "P-384": own("P-384"), "Ed25519": own("Ed25519"), "RSA": own("RSA"),
    "function": calling, "command": commanding,
}  # fmt: skip


@pytest.fixture(params=SIGNERS)
def signer(request: pytest.FixtureRequest, tmp_path: Path) -> Signer:
    make: Make = SIGNERS[request.param]
    return make(tmp_path)


class TestEverySigner:
    def test_signs_with_the_key_of_its_certificate(self, signer: Signer) -> None:
        identity = signer.identity()
        assert checked(signer.sign(b"to be signed"), b"to be signed", identity.leaf.public_key())
        assert checked(signer.sign(b"to be signed"), b"something else", identity.leaf.public_key()) is None

    def test_signs_a_file_that_c2pa_takes(self, signer: Signer, tmp_path: Path) -> None:
        signed = sign_file(sample(tmp_path, "wav"), tmp_path / "out.wav", CLAIM, signer)
        found = read_file(signed.path)
        assert (found.state, found.take_id, found.signer) == ("valid", CLAIM.take_id, signer.identity().name)

    def test_signs_nothing_outside_the_validity_of_its_certificate(self, signer: Signer, tmp_path: Path) -> None:
        source = sample(tmp_path, "wav")
        for later, said in ((99 * 365, "expired on"), (-365, "is valid only from .* set the clock right")):
            with pytest.raises(CredentialsError, match=said):
                sign_file(source, tmp_path / "o.wav", CLAIM, signer, now=lambda days=later: NOW + timedelta(days=days))
        assert not (tmp_path / "o.wav").exists()

    def test_shows_no_private_key(self, signer: Signer) -> None:
        identity = signer.identity()
        assert "PRIVATE" not in f"{signer!r} {identity!r} {identity.pem} {vars(signer)!r}"


def test_an_expired_certificate_is_named_with_its_file_and_a_remedy(tmp_path: Path) -> None:
    chain, key, _ = own_chain(tmp_path, make_key(), start=NOW - timedelta(days=9), until=NOW - timedelta(days=2))
    with pytest.raises(CredentialsError) as caught:
        sign_file(sample(tmp_path, "wav"), tmp_path / "out.wav", CLAIM, OwnCertificate(chain, key))
    assert str(chain) in str(caught.value)
    assert f"{NOW - timedelta(days=2):%Y-%m-%d}" in str(caught.value)
    assert "CUEWORKS_C2PA_CERTIFICATE" in str(caught.value)


def test_a_leaf_that_may_not_sign_content_is_refused(tmp_path: Path) -> None:
    for usage in (None, ExtendedKeyUsageOID.SERVER_AUTH):
        chain, key, _ = own_chain(tmp_path, make_key(), usage=usage)
        with pytest.raises(CredentialsError, match=f"{chain}.*allows no content signing"):
            OwnCertificate(chain, key)


def test_a_self_signed_certificate_is_refused(tmp_path: Path) -> None:
    _, key, root = own_chain(tmp_path, make_key())
    with pytest.raises(CredentialsError, match="self-signed"):
        OwnCertificate(root, key)


def test_a_chain_in_the_wrong_order_or_with_a_stranger_is_refused(tmp_path: Path) -> None:
    chain, key, _ = own_chain(tmp_path, make_key())
    stranger = own_chain(tmp_path, make_key(), name="other")[2]
    leaf = chain.read_text().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n"
    chain.write_text(leaf + stranger.read_text())
    with pytest.raises(CredentialsError, match="is not signed by"):
        OwnCertificate(chain, key)


END = b"-----END CERTIFICATE-----\n"
SUBJECT = b"\x0c\x0dStudio signer"
VERSION_3, VERSION_53 = bytes.fromhex("a003020102"), bytes.fromhex("a003020134")
KEY_USAGE, NAMES, EXTENDED_USAGE = (bytes.fromhex(f"0603551d{last}") for last in ("0f", "11", "25"))
P_256, UNKNOWN_CURVE = (bytes.fromhex(f"06082a8648ce3d0301{last}") for last in ("07", "7f"))
ECDSA, UNKNOWN_SIGNATURE = (bytes.fromhex(f"06082a8648ce3d0403{last}") for last in ("02", "7f"))


@pytest.mark.parametrize(
    ("which", "part", "instead", "told"),
    [
        (0, VERSION_3, VERSION_53, "holds no certificate"),
        (0, SUBJECT, SUBJECT.replace(b"S", b"\xff"), "cannot be read"),
        (1, b"Some authority", b"\xffome authority", "cannot be read"),
        (0, P_256, UNKNOWN_CURVE, "cannot be read"),
        (0, KEY_USAGE, EXTENDED_USAGE, "cannot be read"),
        (0, KEY_USAGE, NAMES, "cannot be read"),
        (0, ECDSA, UNKNOWN_SIGNATURE, "is not signed by"),
        (1, P_256, UNKNOWN_CURVE, "is not signed by"),
    ],
)
def test_a_hostile_certificate_is_told_as_what_it_is(
    tmp_path: Path, which: int, part: bytes, instead: bytes, told: str
) -> None:
    chain, key, _ = own_chain(tmp_path, make_key())
    pems = chain.read_bytes().split(END)[:-1]
    der = ssl.PEM_cert_to_DER_cert((pems[which] + END).decode())
    assert part in der
    pems[which] = ssl.DER_cert_to_PEM_cert(der.replace(part, instead)).encode().replace(END, b"")
    chain.write_bytes(b"".join(pem.strip() + END for pem in pems))
    with pytest.raises(CredentialsError, match=f"{chain}.*{told}"):
        OwnCertificate(chain, key)


def test_key_and_certificate_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    chain = own_chain(tmp_path, make_key())[0]
    other = own_chain(tmp_path, make_key(), name="other")[1]
    with pytest.raises(CredentialsError, match=r"other-key\.pem: not the key of"):
        OwnCertificate(chain, other)


@pytest.mark.parametrize(
    "text", [b"", b"garbage", b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"]
)
def test_a_damaged_key_is_told_without_a_word_of_it(tmp_path: Path, text: bytes) -> None:
    chain, key, _ = own_chain(tmp_path, make_key())
    key.write_bytes(text)
    with pytest.raises(CredentialsError) as caught:
        OwnCertificate(chain, key)
    assert str(key) in str(caught.value) and "c2VjcmV0" not in str(caught.value)
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


def test_an_encrypted_key_and_a_missing_file_say_what_to_do(tmp_path: Path) -> None:
    private = make_key()
    chain, key, _ = own_chain(tmp_path, private)
    key.write_bytes(key_pem(private, b"password"))
    with pytest.raises(CredentialsError, match="encrypted; decrypt it, or use a callback"):
        OwnCertificate(chain, key)
    with pytest.raises(CredentialsError, match=r"absent\.pem: No such file"):
        OwnCertificate(tmp_path / "absent.pem", key)


def test_a_kind_of_key_that_c2pa_does_not_take_is_refused(tmp_path: Path) -> None:
    chain, key, _ = own_chain(tmp_path, make_key("K"))
    with pytest.raises(CredentialsError, match="kind of key"):
        sign_file(sample(tmp_path, "wav"), tmp_path / "out.wav", CLAIM, OwnCertificate(chain, key))


@pytest.mark.parametrize("answer", [b"", b"nonsense", b"\0" * 64, b"\xff" * 64])
def test_a_callback_that_gives_no_signature_signs_nothing(tmp_path: Path, answer: bytes) -> None:
    chain = own_chain(tmp_path, make_key())[0]
    with pytest.raises(CredentialsError, match="no signature by the key of this certificate"):
        sign_file(sample(tmp_path, "wav"), tmp_path / "out.wav", CLAIM, CallbackSigner(chain, lambda _: answer))
    assert not (tmp_path / "out.wav").exists()


def test_what_a_failing_callback_says_is_told_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: bytes) -> bytes:
        raise RuntimeError("pin 1234 is wrong")

    chain = own_chain(tmp_path, make_key())[0]
    with caplog.at_level(logging.DEBUG), pytest.raises(CredentialsError, match="failed with RuntimeError") as caught:
        sign_file(sample(tmp_path, "wav"), tmp_path / "out.wav", CLAIM, CallbackSigner(chain, fail))
    assert "1234" not in f"{caught.value}{caplog.text}"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["/no/such/program"], "cannot be run"),
        ([], "empty"),
        ([sys.executable, "-c", "import sys; sys.exit('pin 1')"], "ended with 1;"),
    ],
)
def test_a_command_that_fails_is_named(tmp_path: Path, command: list[str], said: str) -> None:
    chain = own_chain(tmp_path, make_key())[0]
    with pytest.raises(CredentialsError, match=said) as caught:
        CallbackSigner.from_command(chain, command).sign(b"data")
    assert "pin" not in str(caught.value)


def test_a_callback_is_named_by_module_and_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chain, key, _ = own_chain(tmp_path, make_key("Ed25519"))
    (tmp_path / "studio_hsm.py").write_text(
        "from pathlib import Path\nfrom cryptography.hazmat.primitives.serialization import load_pem_private_key\n"
        f"def sign(data):\n    return load_pem_private_key(Path({str(key)!r}).read_bytes(), None).sign(data)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    signer = CallbackSigner.from_name(chain, "studio_hsm:sign")
    assert checked(signer.sign(b"data"), b"data", signer.identity().leaf.public_key())
    for name in ("studio_hsm:absent", "no_such_module:sign", "", "studio_hsm:Path.cwd"):
        with pytest.raises(CredentialsError, match="module:function"):
            CallbackSigner.from_name(chain, name)


def test_an_unreachable_time_stamp_authority_is_named(tmp_path: Path) -> None:
    signer = LocalAuthority(tmp_path / "c2pa", "http://127.0.0.1:9/tsa")
    with pytest.raises(CredentialsError, match=r"authority http://127\.0\.0\.1:9/tsa gave no time stamp.*unset"):
        sign_file(sample(tmp_path, "wav"), tmp_path / "out.wav", CLAIM, signer)
    assert not (tmp_path / "out.wav").exists()
    with pytest.raises(CredentialsError, match="http"):
        LocalAuthority(tmp_path / "c2pa", "tsa.example.org")


class TestLocalAuthority:
    def test_keeps_its_keys_to_itself(self, tmp_path: Path) -> None:
        old = os.umask(0)
        try:
            LocalAuthority(tmp_path / "keys" / "c2pa")
        finally:
            os.umask(old)
        made = [tmp_path / "keys", *(tmp_path / "keys").rglob("*")]
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in made}
        assert modes["keys"] == modes["c2pa"] == 0o700
        assert modes["root.pem"] == modes["leaf.pem"] == 0o600
        assert not any(mode & 0o077 for mode in modes.values())

    def test_is_the_same_when_opened_again(self, tmp_path: Path) -> None:
        assert LocalAuthority(tmp_path).identity() == LocalAuthority(tmp_path).identity()

    def test_is_made_once_by_processes_that_come_at_once(self, tmp_path: Path) -> None:
        program = (
            "import sys, pathlib; from services.provenance.credentials import LocalAuthority as A;"
            "print(A(pathlib.Path(sys.argv[1])).identity().pem)"
        )
        command = [sys.executable, "-c", program, str(tmp_path / "c2pa")]
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
        chains = {process.communicate()[0] for process in running}
        assert len(chains) == 1 and "BEGIN CERTIFICATE" in chains.pop()
        assert len(list((tmp_path / "c2pa" / "roots").iterdir())) == 1

    def test_renews_its_leaf_a_year_on_and_keeps_its_root(self, tmp_path: Path) -> None:
        moments = [NOW]
        signer = LocalAuthority(tmp_path, now=lambda: moments[0])
        first = signer.identity()
        moments[0] = NOW + timedelta(days=364)
        assert signer.identity() == first
        moments[0] = NOW + timedelta(days=366)
        second = signer.identity()
        assert second.leaf.public_key() != first.leaf.public_key() and second.chain[1:] == first.chain[1:]
        second.check_time(moments[0])
        assert checked(signer.sign(b"data"), b"data", second.leaf.public_key())

    def test_what_it_signed_can_be_checked_for_nine_years_more(self, tmp_path: Path) -> None:
        until = LocalAuthority(tmp_path).identity().leaf.not_valid_after_utc
        assert until - NOW > timedelta(days=9 * 365)

    def test_says_when_its_root_has_expired(self, tmp_path: Path) -> None:
        LocalAuthority(tmp_path)
        with pytest.raises(CredentialsError, match=r"root\.pem: .* expired on .*; run `cueworks keys rotate c2pa`"):
            LocalAuthority(tmp_path, now=lambda: NOW + timedelta(days=31 * 365))

    def test_rotated_has_a_new_root_and_still_knows_what_the_old_one_signed(self, tmp_path: Path) -> None:
        signer = LocalAuthority(tmp_path / "c2pa")
        source = sample(tmp_path, "wav")
        before = sign_file(source, tmp_path / "before.wav", CLAIM, signer)
        old = signer.identity()
        secrets = (tmp_path / "c2pa" / "root.pem").read_bytes()
        assert len(rotate(tmp_path / "c2pa")) == 64
        assert signer.identity().chain != old.chain  # an open signer follows
        after = sign_file(source, tmp_path / "after.wav", CLAIM, signer)
        for signed in (before, after):
            assert read_file(signed.path, trust=Trust(tmp_path / "c2pa")).ours
        kept = b"".join(path.read_bytes() for path in (tmp_path / "c2pa").rglob("*.pem"))
        assert secrets.partition(b"-----BEGIN PRIVATE")[2] not in kept

    @pytest.mark.parametrize("name", ["root.pem", "leaf.pem"])
    def test_names_a_damaged_file_without_a_word_of_it(self, tmp_path: Path, name: str) -> None:
        LocalAuthority(tmp_path)
        (tmp_path / name).write_text("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n")
        with pytest.raises(CredentialsError, match=name) as caught:
            LocalAuthority(tmp_path)
        assert "c2VjcmV0" not in str(caught.value) and caught.value.__suppress_context__

    @pytest.mark.parametrize("name", [".", "roots"])
    def test_refuses_a_folder_that_others_may_write(self, tmp_path: Path, name: str) -> None:
        """Who can put a root there could have anything signed, and told as ours."""
        place = tmp_path / "c2pa"
        LocalAuthority(place)
        sign_file(sample(tmp_path, "wav"), tmp_path / "signed.wav", CLAIM, LocalAuthority(place))
        (place / name).chmod(0o777)
        with pytest.raises(CredentialsError, match=r"others may write.*chmod 700"):
            LocalAuthority(place)
        with pytest.raises(CredentialsError, match=r"others may write.*chmod 700"):
            read_file(tmp_path / "signed.wav", trust=Trust(place))

    def test_refuses_a_key_that_others_may_read(self, tmp_path: Path) -> None:
        LocalAuthority(tmp_path)
        (tmp_path / "leaf.pem").chmod(0o644)
        with pytest.raises(CredentialsError, match=r"leaf\.pem: others may read"):
            LocalAuthority(tmp_path)


class TestChoosing:
    def test_nothing_set_is_the_local_authority(self, tmp_path: Path) -> None:
        assert isinstance(open_signer(tmp_path, SignerOptions.from_environment({})), LocalAuthority)

    def test_the_users_own_certificate_is_known_as_ours(self, tmp_path: Path) -> None:
        chain, key, _ = own_chain(tmp_path, make_key())
        environment = {"CUEWORKS_C2PA_CERTIFICATE": str(chain), "CUEWORKS_C2PA_KEY": str(key)}
        signer = open_signer(tmp_path / "c2pa", SignerOptions.from_environment(environment))
        assert isinstance(signer, OwnCertificate)
        signed = sign_file(sample(tmp_path, "wav"), tmp_path / "out.wav", CLAIM, signer)
        assert read_file(signed.path, trust=Trust(tmp_path / "c2pa")).ours
        assert not read_file(signed.path, trust=Trust(tmp_path / "elsewhere")).ours

    def test_another_signer_of_the_same_issuer_is_not_ours(self, tmp_path: Path) -> None:
        source = sample(tmp_path, "wav")
        mine, theirs = own_pair(tmp_path)
        open_signer(tmp_path / "c2pa", SignerOptions(certificate=mine[0], key=mine[1]))
        signed = sign_file(source, tmp_path / "out.wav", CLAIM, OwnCertificate(*theirs))
        assert read_file(signed.path, trust=Trust(tmp_path / "c2pa")).state == "untrusted-signer"

    def test_a_command_is_split_without_a_shell(self, tmp_path: Path) -> None:
        chain, key, _ = own_chain(tmp_path, make_key("Ed25519"))
        script = tmp_path / "sign it.py"
        script.write_text(PRINTS_A_SIGNATURE)
        command = f"{sys.executable} '{script}' {key}"
        signer = open_signer(tmp_path / "c2pa", SignerOptions(certificate=chain, command=command))
        assert checked(signer.sign(b"data"), b"data", signer.identity().leaf.public_key())

    def test_half_or_twice_set_is_refused(self, tmp_path: Path) -> None:
        chain, key, _ = own_chain(tmp_path, make_key())
        full = SignerOptions(certificate=chain, key=key)
        for options in (replace(full, key=None), replace(full, certificate=None), replace(full, command="hsm")):
            with pytest.raises(CredentialsError, match="exactly one of"):
                open_signer(tmp_path / "c2pa", options)


def test_signatures_are_checked_in_both_forms() -> None:
    key = make_key()
    fixed, der = sign(key, b"data"), key.sign(b"data", ec.ECDSA(hashes.SHA256()))
    assert checked(fixed, b"data", key.public_key()) == fixed
    assert len(checked(der, b"data", key.public_key()) or b"") == 64
