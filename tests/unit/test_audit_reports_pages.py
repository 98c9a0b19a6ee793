"""The report and the certificate for a person: what they say, that hostile text stays text, and that they stream."""

import json
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.audit.certificate import Inclusion, certificate_text, left_files, write_certificate
from services.audit.html import html_pieces, steps, write_html
from services.audit.rows import AuditRow, AuditSummary, ChainItem, LedgerHead, Released, Why
from services.provenance import merkle
from services.provenance.keys import KeyFolder, PublicKey
from services.provenance.notes import TreeHead, sign
from tests.unit import audit_report_samples as samples


class Reading(HTMLParser):
    """Elements and text as an HTML parser sees them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]


def report(summary: AuditSummary, rows: list[AuditRow], **options: object) -> Reading:
    return Reading("".join(html_pieces(summary, rows, **options)))  # type: ignore[arg-type]


def test_the_report_says_question_totals_reasons_sources_and_how_to_check() -> None:
    page = report(samples.summary(), samples.rows())
    for words in (
        "Ashfall & Ember", "commercial-game", "a company with a revenue of 250,000 USD a year", "as of 2026-03-01",
        "2 of 5 takes stand in the way", "CC-BY-NC-4.0 excludes commercial use.", "Nothing is known of mystery/model.",
        "facebookresearch/audiocraft model_cards/", "grade R", "corrects fact-0", "composed by rules",
        "made in a way that is not on record", "cueworks verify ashfall", "sha256sum", "cueworks release --check",
        samples.LEDGER.checkpoint_root, "0123456789abcdef", "gold 1.0", "the theme, whistled", "fits the cave",
    ):  # fmt: skip
        assert str(words) in page.text


def test_every_take_has_its_chain_from_order_to_file() -> None:
    page = report(samples.summary(), samples.rows())
    chains = [attrs for attrs in page.all("details") if (attrs.get("id") or "").startswith("take-")]
    assert [attrs["id"] for attrs in chains] == [f"take-{row.take}" for row in samples.rows()]
    one = report(samples.summary(), [samples.row()]).text
    row = samples.row()
    for step in (row.brief_sha256, row.prompt_sha256, row.master_sha256, row.pcm_sha256, row.engine_profile, row.take):
        assert str(step) in one
    assert "Entries 1, 7." in one
    assert str(row.seed) in one


def test_a_cited_fact_is_linked_to_its_row_and_one_that_is_not_listed_is_named() -> None:
    page = report(samples.summary(facts=(samples.MUSICGEN_FACT,)), samples.rows())
    ids = {attrs.get("id") for attrs in page.all("tr")}
    links = {(attrs.get("href") or "")[1:] for attrs in page.all("a")}
    assert links == {"fact-fact-2"}
    assert links <= ids
    assert "fact-1" in page.text


def test_what_is_not_on_record_is_said_to_be_missing() -> None:
    bare = samples.summary(
        takes=1, releases=(), briefs=(), facts=(), contributions={}, ledger=LedgerHead(0, None, None, None, None, None)
    )
    text = report(bare, [samples.unknown(4)]).text
    for words in (
        "not on record", "no verdict on record", "no review on record", "no human contribution on record",
        "No entry is on record.", "No order is on record.", "No fact is on record.", "It rests on no fact.",
        "No human contribution is on record.", "Nothing was released.",
    ):  # fmt: skip
        assert words in text
    assert "None" not in text


def test_nothing_stands_in_the_way_is_only_said_of_takes_that_there_are() -> None:
    assert "Nothing stands in the way" in report(samples.summary(blocking=0), []).text
    empty = report(samples.summary(takes=0, blocking=0, generators=()), []).text
    assert "There are no takes." in empty
    assert "Nothing stands in the way" not in empty


def test_a_withdrawn_release_is_told_with_its_reason() -> None:
    gone = replace(samples.RELEASE, withdrawn_at=samples.NOON, withdrawn_why="the licence was corrected")
    text = report(samples.summary(releases=(gone,)), [samples.row(0, releases=(gone,))]).text
    assert text.count("the licence was corrected") == 2


def test_a_large_catalog_lists_what_is_refused_or_unknown_and_points_to_the_table() -> None:
    page = report(samples.summary(), samples.rows(), most_takes=4)
    listed = [attrs["id"] for attrs in page.all("details")]
    assert listed == [f"take-{row.take}" for row in samples.rows()[3:]]
    assert "audit.parquet" in page.text


def test_beyond_the_limit_the_refused_are_counted() -> None:
    rows = [samples.refused(number) for number in range(7)]
    page = report(samples.summary(takes=7, by_answer={"refused": 7}), rows, most_takes=3)
    assert len(page.all("details")) == 3
    assert "4 more are refused or unknown" in page.text


def test_no_more_takes_are_read_than_are_listed() -> None:
    def rows() -> Iterator[AuditRow]:
        yield samples.row(0)
        yield samples.refused(1)
        raise AssertionError("read on")

    summary = samples.summary(by_answer={"allowed": 4, "refused": 1})
    assert "".join(html_pieces(summary, rows(), most_takes=4)).count('id="take-') == 1


def test_reasons_that_stop_come_first_and_others_are_folded() -> None:
    whys = (*samples.ALLOWED.reasons, *samples.REFUSED.reasons)
    judged = replace(samples.REFUSED, reasons=whys)
    totals = (replace(samples.GENERATORS[1], judged=judged),)
    page = report(samples.summary(generators=totals), [])
    assert page.text.index("CC-BY-NC-4.0 excludes") < page.text.index("1 more that do not stop it")
    assert page.text.index("1 more that do not stop it") < page.text.index("The licence allows it.")
    row = samples.refused(0, judged=replace(judged, reasons=(*samples.ALLOWED.reasons * 5, *samples.REFUSED.reasons)))
    assert "CC-BY-NC-4.0 excludes" in Reading(certificate_text(samples.chain(row))).text


def test_rows_stream_through_the_report() -> None:
    """Twenty times the takes, not much more memory."""

    def peak(takes: int) -> int:
        def made() -> Iterator[AuditRow]:
            return (samples.refused(number) for number in range(takes))

        tracemalloc.start()
        for _ in html_pieces(samples.summary(takes=takes), made(), most_takes=10**6):
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(2)
    assert peak(400) < peak(20) + 300_000


def test_the_same_data_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_html(tmp_path / f"{name}.html", samples.summary(), samples.rows())
        write_certificate(tmp_path / f"{name}.cert.html", samples.chain(), "Ashfall")
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()
    assert (tmp_path / "one.cert.html").read_bytes() == (tmp_path / "two.cert.html").read_bytes()


def test_a_report_that_fails_half_way_leaves_the_old_one_and_no_trace(tmp_path: Path) -> None:
    def broken() -> Iterator[AuditRow]:
        yield samples.row()
        raise RuntimeError("the database went away")

    path = write_html(tmp_path / "report.html", samples.summary(), samples.rows())
    before = path.read_bytes()
    with pytest.raises(RuntimeError):
        write_html(path, samples.summary(), broken())
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]


def test_pages_hold_no_script_and_admit_nothing_from_elsewhere() -> None:
    for text in ("".join(html_pieces(samples.summary(), samples.rows())), certificate_text(samples.chain())):
        page = Reading(text)
        assert not page.all("script") + page.all("img") + page.all("link") + page.all("iframe")
        assert [a for a in page.all("meta") if "default-src 'none'" in str(a.get("content"))]
        names = {name for _, attrs in page.elements for name in attrs}
        assert not {name for name in names if name.startswith("on") or name == "style"}


hostile = st.text(max_size=40) | st.sampled_from(
    [samples.HOSTILE, "</style><script>x</script>", "' onload=x", "\ud800"]
)


@settings(max_examples=25, deadline=None)
@given(hostile, hostile)
def test_hostile_text_stays_text(text: str, other: str) -> None:
    part = replace(samples.MELODY, by=text, note=other)
    row = samples.row(
        0, prompt=text, cue=other, zone=text, point=other, generator=text, contributions=(part,),
        review=replace(samples.REVIEW, by=other, note=text), releases=(replace(samples.RELEASE, name=text, by=other),),
    )  # fmt: skip
    facts = (replace(samples.COMPOSER_FACT, source=text, note=other, attribution=text, subject=other),)
    totals = (replace(samples.GENERATORS[0], generator=text),)
    plain = Reading("".join(html_pieces(samples.summary(), [samples.row()])))
    page = Reading(
        "".join(html_pieces(samples.summary(title=text, facts=facts, generators=totals), [row])).encode().decode()
    )
    assert {name for name, _ in page.elements} <= {name for name, _ in plain.elements} | {"ul", "li", "br"}
    certificate = Reading(certificate_text(samples.chain(row, facts=facts), text).encode().decode())
    known = {name for name, _ in Reading(certificate_text(samples.chain(), "Ashfall")).elements}
    assert {name for name, _ in certificate.elements} <= known


def test_commands_quote_what_a_shell_would_obey() -> None:
    asked = replace(samples.ASKED, catalog="x; rm -rf /", use="$(reboot)")
    for step in steps(samples.summary(asked=asked)):
        assert "; rm" not in step.command.replace("'x; rm -rf /'", "")
        assert "$(reboot)" not in step.command.replace("'$(reboot)'", "")


# ------------------------------------------------------------------------------------------------ the certificate


def proven(size: int = 50) -> tuple[samples.TakeChain, Inclusion]:
    """A chain, and the proof that its recording is entry 7 of a signed tree."""
    chain = samples.chain()
    entry = chain.entries[1]
    texts = [entry.entry if number == entry.sequence else f"entry {number}" for number in range(size)]
    leaves = [merkle.leaf_hash(text.encode()) for text in texts]
    path = merkle.proof(merkle.inclusion_ranges(entry.sequence, size), leaves)
    steps_ = tuple(step.hex() for step in path)
    return chain, Inclusion(entry.sequence, entry.sha256, size, merkle.root(leaves).hex(), steps_, "0123456789abcdef")


def test_a_certificate_says_what_who_why_and_how_to_check() -> None:
    chain, inclusion = proven()
    key = PublicKey("checkpoint", b"k" * 32, samples.NOON)
    text = Reading(certificate_text(chain, "Ashfall & Ember", inclusion, [key])).text
    row = chain.row
    for words in (
        "Ashfall & Ember", "combat / ashwood / time night / take 1", row.take, row.prompt, row.prompt_sha256,
        str(row.seed), row.generator, row.revision, str(row.pcm_sha256), str(row.master_sha256),
        "The licence allows it.", "fact-1", "this project", "the theme, whistled", "gold 1.0",
        chain.items[0].sha256, inclusion.root,
        inclusion.entry_sha256, *inclusion.path, (b"k" * 32).hex(), "cueworks verify ashfall",
    ):  # fmt: skip
        assert words in text


def test_a_certificate_of_a_bare_take_says_what_is_missing() -> None:
    empty = {"facts": (), "verdicts": (), "items": (), "entries": (), "attempts": (), "card": {}, "measurements": {}}
    text = Reading(certificate_text(samples.chain(samples.unknown(4), weights_digest=None, **empty))).text
    for words in (
        "not on record", "No entry about this take is on record.", "no human contribution on record",
        "made in a way that is not on record", "Not part of any release.",
    ):  # fmt: skip
        assert words in text
    assert "None" not in text


def test_without_a_proof_the_certificate_says_so() -> None:
    assert "carries no inclusion proof" in Reading(certificate_text(samples.chain())).text


def test_a_proof_that_does_not_hold_makes_no_certificate() -> None:
    chain, inclusion = proven()
    with pytest.raises(ValueError, match="does not hold"):
        certificate_text(chain, None, replace(inclusion, root="0" * 64))
    with pytest.raises(ValueError, match="does not hold"):
        certificate_text(chain, None, replace(inclusion, path=("zz",)))
    with pytest.raises(ValueError, match="none of take"):
        certificate_text(chain, None, replace(inclusion, entry_sha256="0" * 64))


def test_long_lists_and_prompts_are_cut_and_say_so() -> None:
    row = samples.row(0, prompt="x" * 900, contributions=(samples.MELODY,) * 9)
    text = Reading(certificate_text(samples.chain(row))).text
    assert "The first 500 of 900 characters" in text
    assert "and 6 more contributions" in text


def left(path: str, role: str, media_type: str, release: Released = samples.RELEASE) -> ChainItem:
    return ChainItem(release, path, role, media_type, samples.sha(path), 1, samples.sha("m"), samples.sha("j"))


def test_the_music_comes_first_and_credentials_are_told_with_their_file() -> None:
    roles = {"mix.flac": "mix", "mix.ogg": "mix", "stem-drums.flac": "stem:drums", "midi.mid": "midi"}
    media = {"flac": "audio/flac", "ogg": "audio/ogg", "mid": "audio/midi"}
    items = [left("a/loop.json", "loop-info", "application/json")]
    items += [left(f"a/{name}.c2pa", f"credentials:{role}", "application/c2pa") for name, role in roles.items()]
    items += [left(f"a/{name}", role, media[name.rsplit(".")[-1]]) for name, role in sorted(roles.items())]
    files = left_files(items)
    assert [file.item.path.removeprefix("a/") for file in files] == [*roles, "loop.json"]
    assert files[1].beside == ("mix.ogg.c2pa",)
    text = Reading(certificate_text(samples.chain(items=tuple(items)))).text
    assert "credentials beside it: mix.ogg.c2pa" in text
    assert "more files" not in text


def test_a_withdrawn_release_says_when_by_whom_and_why() -> None:
    gone = replace(samples.RELEASE, id="r-2", withdrawn_at=samples.NOON, withdrawn_why="a contract ended")
    items = (left("old.flac", "mix", "audio/flac", gone), left("new.flac", "mix", "audio/flac"))
    entry = samples.entry(8, "withdrawal", "r-2")
    entry = replace(entry, entry=json.dumps(json.loads(entry.entry) | {"body": {"by": "Grace"}}))
    text = Reading(certificate_text(samples.chain(items=items, entries=(entry,)))).text
    assert "withdrawn on 2026-03-01 12:00:00 UTC by Grace: a contract ended" in " ".join(text.split())
    assert text.index("new.flac") < text.index("old.flac")
    broken = replace(entry, entry="[")
    assert "by a person not on record" in Reading(certificate_text(samples.chain(items=items, entries=(broken,)))).text


def test_every_reason_duty_and_fact_is_told_once() -> None:
    whys = tuple(Why("use", "allowed", f"Reason {number}.", ()) for number in range(9))
    judged = replace(samples.ALLOWED, reasons=whys * 2, duties=tuple(f"Duty {number}." for number in range(9)) * 2)
    facts = tuple(samples.fact(number) for number in range(9))
    text = Reading(certificate_text(samples.chain(samples.row(judged=judged), facts=facts))).text
    for number in range(9):
        assert text.count(f"Reason {number}.") == text.count(f"Duty {number}.") == text.count(f"fact-{number}:") == 1


def test_a_proof_of_the_ledger_becomes_one_of_the_certificate(tmp_path: Path) -> None:
    chain, inclusion = proven()
    key = KeyFolder(tmp_path / "keys").signing_key("checkpoint")
    head = TreeHead("cueworks/test", inclusion.tree_size, bytes.fromhex(inclusion.root), samples.NOON)
    proof = {
        "type": "cueworks inclusion proof v1", "entry": chain.entries[1].entry, "index": 7,
        "path": list(inclusion.path), "checkpoint": sign(head.text(), head.origin, key),
    }  # fmt: skip
    assert Inclusion.of(proof, inclusion.key_id) == inclusion
    for broken in ({}, {**proof, "checkpoint": "x"}, {**proof, "path": None}):
        with pytest.raises(ValueError, match=r"proof|note"):
            Inclusion.of(broken, "k")
