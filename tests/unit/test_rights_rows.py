"""Every generator, sound bank and service that is on record, with the answers that must come of it."""

from datetime import date

import pytest

from services.rights.policy import Policy
from tests.rights_facts import question, seeded

POLICY = Policy(seeded())
YES, DUTIES, ASK, NO = "allowed", "allowed-with-duties", "unknown", "refused"
NON_COMMERCIAL = (NO, NO, ASK, DUTIES, NO)
FREE = (DUTIES, DUTIES, YES, YES, DUTIES)


# company, game | individual, game | company, prototype | academic, prototype | company, advertising
@pytest.mark.parametrize(
    ("names", "answers"),
    [
        ("facebook/musicgen-small facebook/musicgen-medium facebook/musicgen-large facebook/musicgen-melody "
         "facebook/musicgen-stereo-small facebook/musicgen-style", NON_COMMERCIAL),
        ("facebook/magnet-small-10secs facebook/audio-magnet-small facebook/jasco-chords-drums-400M "
         "facebook/audiogen-medium", NON_COMMERCIAL),
        ("facebook/encodec_32khz", NON_COMMERCIAL),
        ("facebook/encodec_24khz", (ASK, ASK, ASK, ASK, ASK)),
        ("stabilityai/stable-audio-open-1.0 stabilityai/stable-audio-open-small stabilityai/stable-audio-3-medium",
         (DUTIES, DUTIES, DUTIES, DUTIES, DUTIES)),
        ("ACE-Step/ACE-Step-v1-3.5B", (DUTIES, DUTIES, DUTIES, DUTIES, DUTIES)),
        ("ACE-Step/Ace-Step1.5 ACE-Step/acestep-v15-turbo", FREE),
        ("m-a-p/YuE-s1-7B-anneal-en-cot m-a-p/YuE-s2-1B-general", FREE),
        ("m-a-p/YuE2 m-a-p/YuE-2 m-a-p/YuE-v2-7B YuE-2", (NO, DUTIES, NO, YES, NO)),
        ("ASLP-lab/DiffRhythm-base ASLP-lab/DiffRhythm-full", (ASK, ASK, ASK, ASK, ASK)),
        ("google/magenta-realtime-2 google/magenta-realtime", FREE),
        ("cvssp/audioldm2 cvssp/audioldm2-music", NON_COMMERCIAL),
        ("ucsd-reach/musicldm", (NO, NO, ASK, ASK, NO)),
        ("riffusion/riffusion-model-v1", (DUTIES, DUTIES, DUTIES, DUTIES, DUTIES)),
        ("HeartMuLa/HeartMuLa-oss-3B", FREE),
        ("tencent/SongGeneration LeVo-2", (NO, NO, NO, DUTIES, NO)),
        ("facebook/audioseal", FREE),
        ("composer", FREE),
        ("soundbank/FluidR3_GM FluidR3 soundbank/MuseScore_General.sf3 soundbank/Sonivox", FREE),
        ("soundbank/TimGM6mb.sf2", (ASK, ASK, YES, YES, ASK)),
        ("soundbank/GeneralUser-GS", (ASK, ASK, ASK, ASK, ASK)),
        ("soundbank/Merlin", (NO, NO, NO, NO, NO)),
        ("udio udio-v1.5", (NO, NO, NO, NO, NO)),
        ("suno suno-v5", (ASK, ASK, ASK, ASK, ASK)),
        ("elevenlabs", (ASK, ASK, ASK, ASK, ASK)),
        ("nobody/knows google/magenta-realtime-3 m-a-p/YuE3", (ASK, ASK, ASK, ASK, ASK)),
    ],
)  # fmt: skip
def test_what_the_register_says_of_each_row(names: str, answers: tuple[str, ...]) -> None:
    cases = [("company", "commercial-game"), ("individual", "commercial-game"), ("company", "internal-prototype"),
             ("academic", "internal-prototype"), ("company", "advertising")]  # fmt: skip
    for name in names.split():
        told = tuple(POLICY.judge(question(name, use, kind)).answer for kind, use in cases)
        assert told == answers, name


@pytest.mark.parametrize(
    ("name", "day", "answer"),
    [
        ("stabilityai/stable-audio-open-1.0", date(2024, 6, 4), ASK),
        ("stabilityai/stable-audio-open-1.0", date(2024, 6, 5), NO),
        ("stabilityai/stable-audio-open-1.0", date(2024, 7, 4), NO),
        ("stabilityai/stable-audio-open-1.0", date(2024, 7, 5), DUTIES),
        ("m-a-p/YuE-s1-7B", date(2025, 1, 29), ASK),
        ("m-a-p/YuE-s1-7B", date(2025, 1, 30), DUTIES),
        ("HeartMuLa/HeartMuLa-oss-3B", date(2026, 1, 19), ASK),
        ("HeartMuLa/HeartMuLa-oss-3B", date(2026, 1, 20), DUTIES),
        ("facebook/audioseal", date(2024, 4, 1), ASK),
        ("facebook/audioseal", date(2024, 4, 2), DUTIES),
        ("udio", date(2025, 11, 11), ASK),
        ("udio", date(2025, 11, 12), NO),
    ],
)
def test_terms_hold_from_their_day_on(name: str, day: date, answer: str) -> None:
    assert POLICY.judge(question(name, as_of=day)).answer == answer


def test_yue2_lets_individuals_publish_from_the_day_of_its_permission() -> None:
    for day, answer in ((date(2026, 9, 15), NO), (date(2026, 9, 16), DUTIES)):
        assert POLICY.judge(question("m-a-p/YuE2", kind="individual", as_of=day)).answer == answer
    unsaid = POLICY.judge(question("m-a-p/YuE2", kind=None))
    assert unsaid.answer == ASK
    assert "licensee.kind" in unsaid.stops[0].text


def test_musicldm_had_two_licences() -> None:
    before, after = (POLICY.judge(question("ucsd-reach/musicldm", as_of=day)) for day in
                     (date(2023, 8, 31), date(2023, 10, 1)))  # fmt: skip
    assert any("CC-BY-NC-ND-4.0" in reason.text for reason in before.stops)
    assert any("CC-BY-NC-SA-4.0" in reason.text for reason in after.stops)


def test_sunos_free_plan_is_never_commercial() -> None:
    assert POLICY.judge(question("suno", plan="free")).answer == NO
    paid = POLICY.judge(question("suno", plan="pro", as_of=date(2026, 9, 3)))
    assert paid.answer == ASK
    assert "permitted downloads" in paid.stops[0].text
    assert POLICY.judge(question("suno", plan="pro", as_of=date(2026, 9, 2))).stops[0].rule == "no-facts"


def test_elevenlabs_v1_capped_libraries_at_a_hundred_outputs() -> None:
    day = date(2025, 11, 21)
    few, many = (POLICY.judge(question("elevenlabs", "music-library", as_of=day, outputs=count, plan="enterprise"))
                 for count in (100, 101))  # fmt: skip
    assert (few.answer, many.answer) == (ASK, NO)
    assert [reason.rule for reason in many.stops] == ["volume-cap", "unknown-by-fact"]
    later = POLICY.judge(question("elevenlabs", "music-library", as_of=date(2025, 11, 22), outputs=101))
    assert later.answer == ASK


def test_a_revenue_of_a_million_ends_the_community_licence() -> None:
    name = "stabilityai/stable-audio-open-1.0"
    for revenue, answer in ((0.0, DUTIES), (999_999.99, DUTIES), (1_000_000.0, NO), (None, ASK), (float("nan"), ASK)):
        assert POLICY.judge(question(name, revenue=revenue)).answer == answer, revenue
    unsaid = POLICY.judge(question(name, revenue=None))
    assert "licensee.annual_revenue_usd" in unsaid.stops[0].text
    assert any("Powered by Stability AI" in duty for duty in POLICY.judge(question(name)).duties)


def test_what_markets_and_laws_ask_comes_with_the_use_and_the_day() -> None:
    def duties(use: str, day: date) -> str:
        return " | ".join(POLICY.judge(question("composer", use, as_of=day)).duties)

    assert "Steam" not in duties("commercial-game", date(2025, 12, 31))
    assert "Steam" in duties("commercial-game", date(2026, 1, 1))
    assert "Steam" not in duties("podcast", date(2026, 11, 1))
    assert "EU AI Act" not in duties("commercial-game", date(2026, 8, 1))
    assert "until 2026-12-02" in duties("commercial-game", date(2026, 8, 2))
    assert "until 2026-12-02" not in duties("commercial-game", date(2026, 12, 2))
    assert "EU AI Act" in duties("commercial-game", date(2026, 12, 2))
    assert "ASCAP" in duties("music-library", date(2026, 11, 1))
    assert "ContainsAI" in duties("music-library", date(2026, 11, 1))
    assert "GB 45438" in duties("broadcast", date(2026, 11, 1))
    assert duties("internal-prototype", date(2026, 11, 1)) == ""


def test_content_id_bars_loops_and_asks_about_the_rest() -> None:
    loop, piece = (POLICY.judge(question("composer", "content-id", loop=loop)) for loop in (True, False))
    assert (loop.answer, piece.answer) == (NO, ASK)
    assert "exclusive" in piece.stops[0].text


TABLE = {
    "MusicGen": NO, "MusicGen-Style": NO, "MAGNeT": NO, "JASCO": NO, "AudioGen": NO, "EnCodec": ASK,
    "Stable Audio Open 1.0": DUTIES, "Stable Audio Open small": DUTIES, "Stable Audio 3": DUTIES, "ACE-Step v1": DUTIES,
    "ACE-Step 1.5": DUTIES, "YuE": DUTIES, "YuE2": NO, "DiffRhythm": ASK, "Magenta RealTime 2": DUTIES, "AudioLDM2": NO,
    "MusicLDM": NO, "Riffusion v1": DUTIES, "HeartMuLa": DUTIES, "SongGeneration": NO, "LeVo 2": NO,
    "AudioSeal": DUTIES, "composer": DUTIES, "FluidR3": DUTIES, "MuseScore_General": DUTIES, "Sonivox": DUTIES,
    "TimGM6mb": ASK, "GeneralUser": ASK, "Merlin": NO, "Suno": ASK, "Udio": NO, "ElevenLabs Music": ASK,
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_generators_are_found_by_the_names_that_people_call_them(name: str) -> None:
    told = POLICY.judge(question(name))
    assert told.answer == TABLE[name]
    assert not any(reason.rule == "no-facts" for reason in told.stops)
