"""PROV, in-toto, DSSE and the bill of materials: their form, their round trips, and what hostile input comes to."""

import base64
import json
import re
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.audit import intoto, prov
from services.audit.mlbom import ml_bom, ml_bom_bytes
from services.audit.prov_records import difference
from services.provenance.keys import KeyFolder, SigningKey
from tests.unit import audit_report_samples as samples

RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return KeyFolder(tmp_path / "keys").signing_key("audit")


# ------------------------------------------------------------------------------------------------ PROV


def catalog(rows: list[Any]) -> str:
    return "".join(prov.catalog_pieces(samples.summary(), rows))


def relations(document: dict[str, Any], kind: str) -> set[tuple[str, ...]]:
    first, second = {
        "used": ("prov:activity", "prov:entity"),
        "wasGeneratedBy": ("prov:entity", "prov:activity"),
        "wasDerivedFrom": ("prov:generatedEntity", "prov:usedEntity"),
        "wasAssociatedWith": ("prov:activity", "prov:agent"),
    }[kind]
    return {(record[first], record[second]) for record in document[kind].values()}


def test_a_take_is_told_from_order_to_the_file_that_left() -> None:
    chain = samples.chain()
    document = json.loads(prov.take_document(chain))
    row, item = chain.row, chain.items[0]
    take, master, signed = f"take:{row.take}", f"sha256:{row.master_sha256}", f"sha256:{item.sha256}"
    derived = relations(document, "wasDerivedFrom")
    assert {(take, f"sha256:{row.brief_sha256}"), (take, f"sha256:{row.prompt_sha256}")} <= derived
    assert {(master, take), (signed, master)} <= derived
    assert (master, f"attempt:{row.take}-1") in relations(document, "wasGeneratedBy")
    assert (f"attempt:{row.take}-0", f"sha256:{row.prompt_sha256}") in relations(document, "used")
    assert (f"attempt:{row.take}-1", "generator:composer%40" + "c" * 64) in relations(document, "wasAssociatedWith")
    people = {agent["prov:label"] for agent in document["agent"].values() if "Person" in str(agent["prov:type"])}
    assert people == {"Ada", "Grace"}


def test_an_attempt_that_failed_made_no_file() -> None:
    failed = replace(samples.chain(), attempts=samples.chain().attempts[:1])
    document = json.loads(prov.take_document(failed))
    assert not {made for _, made in relations(document, "wasGeneratedBy") if made.startswith("attempt:")}


def test_prov_reads_what_was_written_and_writes_it_again() -> None:
    from prov.model import ProvDocument

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # prov warns of what it reads with doubt
        for text in (
            prov.take_document(samples.chain()),
            prov.take_document(samples.chain(samples.unknown(4))),
            prov.release_document(samples.RELEASE, [samples.chain(samples.row(number)) for number in range(3)]),
            catalog(samples.rows()),
            catalog([]),
        ):
            assert difference(text) is None
            document = ProvDocument.deserialize(content=text, format="json")
            assert ProvDocument.deserialize(content=document.serialize(format="json"), format="json") == document


def test_what_prov_would_read_otherwise_is_found() -> None:
    document = json.loads(prov.take_document(samples.chain()))
    document["entity"]["take:x"] = {"cw:index": {"$": "1", "type": "xsd:integer-ish:x"}}
    document["used"]["_:id900"] = {"prov:activity": "nowhere:x"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert difference(json.dumps(document)) is not None


def test_the_streamed_catalog_has_a_bundle_a_take_and_what_they_share_once() -> None:
    document = json.loads(catalog(samples.rows()))
    assert list(document["bundle"]) == [f"bundle:{row.take}" for row in samples.rows()]
    assert f"sha256:{samples.BRIEF}" in document["entity"]
    assert set(document["entity"]) >= {"fact:fact-1", "fact:fact-2"}
    bare = document["bundle"][f"bundle:{samples.unknown(4).take}"]
    assert bare["activity"] == {f"recording:{samples.unknown(4).take}": {
        "prov:type": {"$": "cw:Recording", "type": "xsd:QName"}, "cw:status": "planned",
    }}  # fmt: skip


def test_a_catalog_streams_take_by_take() -> None:
    pulled = []

    def rows() -> Any:
        for number in range(3):
            pulled.append(number)
            yield samples.row(number)

    pieces = prov.catalog_pieces(samples.summary(), rows())
    next(pieces)
    assert pulled == []
    next(pieces)
    assert pulled == [0]


def test_a_release_document_leaves_out_other_releases_files() -> None:
    other = replace(samples.chain().items[0], release=replace(samples.RELEASE, id="r-2"), sha256=samples.sha("other"))
    chain = replace(samples.chain(), items=(*samples.chain().items, other))
    document = json.loads(prov.release_document(samples.RELEASE, [chain]))
    assert f"sha256:{chain.items[0].sha256}" in document["entity"]
    assert f"sha256:{other.sha256}" not in document["entity"]


def test_what_was_called_back_is_invalidated() -> None:
    gone = replace(samples.RELEASE, withdrawn_at=samples.NOON, withdrawn_why="the licence was corrected")
    chain = replace(samples.chain(), items=(replace(samples.chain().items[0], release=gone),))
    document = json.loads(prov.take_document(chain))
    ended = {record["prov:entity"] for record in document["wasInvalidatedBy"].values()}
    assert ended == {f"sha256:{chain.items[0].sha256}", f"sha256:{gone.manifest_sha256}"}


@settings(max_examples=15, deadline=None)
@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_survives_prov(text: str, other: str) -> None:
    part = replace(samples.MELODY, by=text, note=other)
    row = samples.row(0, prompt=text, cue=other, generator=text, revision=other, contributions=(part,), zone=other)
    document = json.loads(prov.take_document(samples.chain(row)))
    assert document["entity"][f"sha256:{row.prompt_sha256}"]["prov:value"] == text


# ------------------------------------------------------------------------------------------------ in-toto


def test_the_predicate_answers_its_questions_and_subjects_are_found_by_digest() -> None:
    chain = samples.chain()
    statement = intoto.take_statement(chain)
    row, predicate = chain.row, statement["predicate"]
    assert (statement["_type"], statement["predicateType"]) == (intoto.STATEMENT_TYPE, intoto.TAKE_PREDICATE)
    for asset in chain.assets:
        assert intoto.subjects_of(statement, asset.sha256) == [f"{asset.role} {asset.media_type}"]
    assert intoto.subjects_of(statement, chain.items[0].sha256) == ["combat/take 1.flac"]
    assert intoto.subjects_of(statement, samples.sha("foreign")) == []
    assert predicate["take"]["id"] == row.take
    assert predicate["order"]["seed"] == row.seed
    assert predicate["made"]["kind"] == "rule-based"
    assert (predicate["rights"]["answer"], predicate["rights"]["facts"][0]["id"]) == ("allowed", "fact-1")
    assert [verdict["stage"] for verdict in predicate["rights"]["recorded"]] == ["plan", "record", "release"]
    assert predicate["people"]["contributions"][0]["by"] == "Ada"
    assert [review["decision"] for review in predicate["people"]["reviews"]] == ["reject", "approve"]
    assert predicate["ledger"]["checkpoint_root"] == samples.LEDGER.checkpoint_root
    assert row.prompt not in intoto.statement_bytes(statement).decode()


def times(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        own = [(name, entry) for name, entry in value.items() if name.endswith("_at")]
        return own + [found for entry in value.values() for found in times(entry)]
    return [found for entry in value for found in times(entry)] if isinstance(value, list) else []


def test_times_are_named_by_what_happened_and_are_utc() -> None:
    found = times(intoto.take_statement(samples.chain()))
    assert {"planned_at", "recorded_at", "released_at", "reviewed_at", "judged_at", "known_at"} <= {n for n, _ in found}
    assert all(value is None or RFC_3339.fullmatch(value) for _, value in found)


def test_what_is_not_on_record_is_null() -> None:
    chain = replace(samples.chain(samples.unknown(4)), weights_digest=None, items=(), facts=(), card={})
    predicate = intoto.take_statement(chain)["predicate"]
    assert predicate["made"]["recorded_at"] is None
    assert predicate["made"]["weights_sha256"] is None
    assert predicate["made"]["kind"] == "unknown"
    assert predicate["rights"]["licence"] is None
    assert predicate["rights"]["recorded"] == []


def test_a_take_without_files_has_no_statement() -> None:
    with pytest.raises(ValueError, match="has no file"):
        intoto.take_statement(replace(samples.chain(), assets=(), items=()))


def test_a_release_is_stated_of_its_manifest_and_all_its_files() -> None:
    chains = [samples.chain(samples.row(number)) for number in range(3)]
    statement = intoto.release_statement(samples.RELEASE, iter(chains))
    assert intoto.subjects_of(statement, samples.RELEASE.manifest_sha256) == ["manifest.json"]
    assert len(statement["subject"]) == 4
    assert [take["take"]["id"] for take in statement["predicate"]["takes"]] == [chain.row.take for chain in chains]


def test_seeds_beyond_53_bits_are_written_as_text() -> None:
    chain = samples.chain(samples.row(0, seed=2**60 + 1))
    assert b'"seed":"1152921504606846977"' in intoto.statement_bytes(intoto.take_statement(chain))


def test_the_same_take_gives_the_same_bytes(key: SigningKey) -> None:
    made = [intoto.envelope(intoto.take_statement(samples.chain()), key) for _ in range(2)]
    assert made[0] == made[1]
    assert ml_bom_bytes(samples.summary()) == ml_bom_bytes(samples.summary())
    assert prov.take_document(samples.chain()) == prov.take_document(samples.chain())


# ------------------------------------------------------------------------------------------------ the envelope


def test_pae_is_that_of_the_specification() -> None:
    """The example of DSSE's protocol.md."""
    encoded = intoto.pae("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_a_signed_statement_is_read_back_with_its_signer(key: SigningKey) -> None:
    statement = intoto.take_statement(samples.chain())
    found = intoto.verify_envelope(intoto.envelope(statement, key), [key.public])
    assert (found.ok, found.key_id, found.others) == (True, key.id, 0)
    assert found.statement == json.loads(intoto.statement_bytes(statement))


def test_what_was_signed_is_the_pae_of_the_exact_payload(key: SigningKey) -> None:
    told = json.loads(intoto.envelope(intoto.take_statement(samples.chain()), key))
    payload, signature = (base64.b64decode(text) for text in (told["payload"], told["signatures"][0]["sig"]))
    assert key.public.verifies(signature, intoto.pae(told["payloadType"], payload))
    assert not key.public.verifies(signature, payload)


def test_a_changed_statement_a_foreign_key_and_another_type_are_told_apart(key: SigningKey, tmp_path: Path) -> None:
    other = KeyFolder(tmp_path / "other").signing_key("audit")
    data = intoto.envelope(intoto.take_statement(samples.chain()), key)
    told = json.loads(data)
    forged = base64.b64encode(base64.b64decode(told["payload"]).replace(b'"allowed"', b'"refused"')).decode()
    changed = intoto.verify_envelope(json.dumps({**told, "payload": forged}).encode(), [key.public])
    assert "was changed" in str(changed.fault)
    unknown = intoto.verify_envelope(data, [other.public])
    assert (unknown.ok, unknown.others) == (False, 1)
    assert "no key that you gave" in str(unknown.fault)
    assert not intoto.verify_envelope(json.dumps({**told, "payloadType": "text/plain"}).encode(), [key.public]).ok


def test_signatures_of_others_are_counted_but_not_believed(key: SigningKey, tmp_path: Path) -> None:
    other = KeyFolder(tmp_path / "other").signing_key("audit")
    data = intoto.envelope(intoto.take_statement(samples.chain()), other, key)
    found = intoto.verify_envelope(data, [key.public])
    assert (found.ok, found.key_id, found.others) == (True, key.id, 1)


def test_what_was_signed_must_be_a_statement(key: SigningKey) -> None:
    found = intoto.verify_envelope(intoto.envelope({"_type": "something else"}, key), [key.public])
    assert "no statement" in str(found.fault)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["payload", "payloadType", "signatures", "sig", "keyid"]), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()))
def test_hostile_envelopes_are_refused_with_a_reason(data: bytes) -> None:
    found = intoto.verify_envelope(data, [])
    assert found.fault
    assert found.statement is None


@pytest.mark.parametrize("data", [b"[" * 100_000, b'{"payload":' * 50_000, b"\xff\xfe", b"{}", b"null", b""])
def test_deep_and_broken_envelopes_are_refused(data: bytes) -> None:
    assert intoto.verify_envelope(data, []).fault


# ------------------------------------------------------------------------------------------------ bill of materials


def test_the_bill_tells_generators_licences_and_training() -> None:
    bill = ml_bom(samples.summary())
    composer, musicgen, mystery = bill["components"]
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert (composer["type"], musicgen["type"]) == ("application", "machine-learning-model")
    assert composer["licenses"] == [{"expression": "Apache-2.0"}]
    assert musicgen["licenses"] == [{"expression": "CC-BY-NC-4.0"}]
    assert musicgen["modelCard"]["modelParameters"]["datasets"][0]["description"] == "20,000 h of music"
    assert "licenses" not in mystery
    assert {"name": "cueworks:training-data", "value": "not on record"} in mystery["properties"]


def test_another_record_has_another_serial_number() -> None:
    assert ml_bom(samples.summary())["serialNumber"] != ml_bom(samples.summary(facts=()))["serialNumber"]
