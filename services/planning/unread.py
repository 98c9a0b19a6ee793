"""Words that say nothing of music by themselves, so that every other word a prompt holds is understood or reported.

The list is of English function words and of words for a piece and its making. Nothing here reads a text.
"""

import difflib
import re
from collections.abc import Iterable
from functools import lru_cache

from services.planning.faults import printable

MOST_WORDS = 20
LONGEST_WORD = 40
MOST_TOLD = 12
_LIKENESS = 0.82

_FUNCTION_WORDS = """
a an the this that these those it its it's itself they them their theirs he him his she her hers we us our ours you your
yours i me my mine i'm i'd i'll we're you're they're there's that's what's let's who whom whose which what when where
why how and or but nor so yet if then than as at by for from in into of off on onto out over per to toward towards up
upon via with within without about above across after against along amid among around before behind below beneath beside
besides between beyond down during except inside like near opposite outside past since through throughout till under
underneath until unlike is are was were be been being am do does did doing done have has had having can could may might
must shall should will would ought need needs needed want wants wanted not no nor none nothing never neither either both
each every all any some such same other others another own one ones two more most much many less least fewer few several
lot lots bit bits little tad slightly somewhat rather quite pretty fairly really very too so extremely super highly
totally truly just only even also still already again almost nearly about roughly approximately exactly around maybe
perhaps possibly probably please thanks thank ok okay here there now today etc eg ie e.g i.e vs versus & plus minus way
because while whereas though although however instead otherwise anyway whenever wherever whatever s t d m ll re ve o'
ever once twice rather far long big great good nice well better best overall general generally mainly mostly especially
particularly usual usually normal normally typical typically always often sometimes simply simple basically kind sort
type types style styles styled stylistic styling sound sounds sounding feel feels feeling feelings vibe vibes mood moods
tone tones toned character characteristic flavour flavor flavoured flavored touch touches hint hints element elements
influence influences influenced inspired inspiration reminiscent evoking evokes evoke evocative suggesting suggests
suggestive conveying conveys convey capturing captures capture creating creates create created make makes making made
give gives giving given add adds adding added use uses using used include includes including included feature features
featuring featured has contains containing consist consists consisting compose composed composes composing composition
write writes writing written produce produced produces generate generated generates arrange arranged play plays played
playing perform performed performs lead leads leading led carry carries carried carrying drive drives driven support
supports supported supporting back backed backing accompany accompanied accompanying accompaniment layer layers over top
keep keeps keeping kept start starts starting begin begins beginning end ends ending finish finishes finishing go goes
going come comes coming get gets getting move moves moving turn turns stay stays remain remains become becomes becoming
let lets bring brings put set sets setting fit fits fitting fitted suit suits suitable suited perfect ideal appropriate
music musical musically piece pieces track tracks song songs tune tunes theme themes cue cues score scores soundtrack
soundtracks ost bgm underscore bed beds jingle jingles number work works instrumentation instrument instruments
arrangement arrangements orchestration texture textures melody melodies melodic tonal line lines motif motifs
leitmotif riff riffs lick licks phrase phrases note notes chord chords chordal harmony harmonies harmonic progression
progressions rhythm rhythms rhythmic rhythmical groove grooves beats tempo pace paced speed bpm key scale mode signature
time meter metre bar bars measure measures tonality section sections part parts version versions variation variations
take takes stem stems mix mixed main background foreground front centre center middle whole complete short length
duration second seconds minute minutes sec secs min mins game games video videogame videogames gaming film movie scene
scenes level levels stage stages moment moments part place places thing things something anything someone everything
half quarter first last next final new old early late young high based non self
"""
STOP_WORDS = frozenset(re.findall(r"\S+", _FUNCTION_WORDS))


def listed(words: Iterable[str]) -> str:
    """Words as they are stored and shown: each once, the first twenty, none longer than forty characters."""
    distinct = list(dict.fromkeys(word[:LONGEST_WORD] for word in words))
    more = len(distinct) - MOST_WORDS
    return ", ".join(distinct[:MOST_WORDS]) + (f" and {more} more" if more > 0 else "")


def told(words: Iterable[str], known: frozenset[str]) -> str:
    """Words as a warning tells them, each with the word of `known` that it may be a slip of."""
    distinct = list(dict.fromkeys(words))
    shown = [printable(word[:LONGEST_WORD]) for word in distinct[:MOST_TOLD]]
    near = [(word, suggestion(word, known)) for word in shown]
    more = f" and {len(distinct) - MOST_TOLD} more" if len(distinct) > MOST_TOLD else ""
    return ", ".join(f"{word} ({meant}?)" if meant else word for word, meant in near) + more


@lru_cache(maxsize=1 << 12)
def suggestion(word: str, known: frozenset[str]) -> str | None:
    """The known word that a misspelt one is likely to mean, or nothing: a word that is known as part of a phrase is not
    misspelt. Slow: for words that are shown, not for all."""
    if not 4 <= len(word) <= LONGEST_WORD or not word.isalpha() or word in known:
        return None
    near = sorted(name for name in known if abs(len(name) - len(word)) <= 2 and set(name[:2]) & set(word[:2]))
    close = difflib.get_close_matches(word, near, n=1, cutoff=_LIKENESS)
    return close[0] if close else None
