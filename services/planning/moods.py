"""Moods as places on a plane: valence (unpleasant -1 to pleasant 1) and arousal (quiet -1 to agitated 1).

After the circumplex model of affect (J. A. Russell, Journal of Personality and Social Psychology 39, 1980), which puts
words of feeling on a circle around these two axes; the coordinates here were set by hand for music, by the published
figures of that paper where it has the word. The published MOODS are the anchors: a word that names none of them is
heard as the nearest. Tables and arithmetic only; nothing here reads a text.
"""

from collections.abc import Collection
from dataclasses import dataclass

from models.words import MOODS


@dataclass(frozen=True)
class Affect:
    """A place on the plane; both coordinates lie within -1 and 1."""

    valence: float
    arousal: float

    def moved(self, by: "Affect", share: float) -> "Affect":
        """This place, `share` of the vector `by` away."""
        return Affect(_held(self.valence + share * by.valence), _held(self.arousal + share * by.arousal))

    def towards(self, goal: "Affect", share: float) -> "Affect":
        """The place `share` (0 to 1) of the way to `goal`."""
        return self.moved(Affect(goal.valence - self.valence, goal.arousal - self.arousal), share)


ANCHORS: dict[str, Affect] = {
    "calm": Affect(0.5, -0.7), "hopeful": Affect(0.55, 0.15), "melancholic": Affect(-0.55, -0.5),
    "mysterious": Affect(-0.15, -0.15), "dark": Affect(-0.7, 0.05), "tense": Affect(-0.45, 0.5),
    "urgent": Affect(-0.1, 0.8), "epic": Affect(0.45, 0.75), "happy": Affect(0.85, 0.3), "upbeat": Affect(0.8, 0.6),
    "romantic": Affect(0.55, -0.25), "relentless": Affect(-0.5, 0.95), "neutral": Affect(0.0, 0.0),
}
_FREE = frozenset({"romantic", "epic"})
"""Moods that are more than a place on the plane: nothing is called so only because it lies near."""

# Words beside the anchors, by quarter of the plane; where the lexicon names a mood for a word, its place here only says
# how much more or less it is than that mood.
_WORDS = (
    # pleasant and quiet
    "peaceful .6 -.75, serene .6 -.75, tranquil .55 -.8, placid .4 -.8, hushed .05 -.75, "
    "relaxed .65 -.6, relaxing .6 -.65, soothing .6 -.6, gentle .5 -.55, tender .55 -.4, soft .4 -.6, warm .6 -.3, "
    "cozy .7 -.45, cosy .7 -.45, comforting .65 -.45, contented .75 -.45, satisfied .75 -.4, "
    "mellow .5 -.5, easygoing .6 -.4, carefree .75 -.1, breezy .65 -.15, airy .4 -.4, dreamy .4 -.55, sleepy .1 -.95, "
    "drowsy .0 -.9, hypnotic .0 -.3, meditative .4 -.75, contemplative .15 -.6, reflective .15 -.5, pensive -.1 -.45, "
    "thoughtful .15 -.45, introspective .0 -.5, intimate .45 -.45, innocent .55 -.3, pure .5 -.4, sweet .65 -.3, "
    "delicate .4 -.55, fragile .0 -.5, floating .3 -.6, weightless .3 -.6, spiritual .35 -.4, sacred .3 -.35, "
    "reverent .25 -.4, solemn -.15 -.35, healing .6 -.5, safe .65 -.5, homely .65 -.35, pastoral .6 -.35, "
    "idyllic .7 -.4, lazy .4 -.7, restful .55 -.75, quiet .3 -.75, beautiful .6 -.15, elegant .5 -.15, "
    "graceful .5 -.25, refined .4 -.2, sophisticated .4 -.1, sentimental .2 -.3, "
    # unpleasant and quiet
    "sad -.7 -.45, sorrowful -.75 -.4, mournful -.75 -.4, gloomy -.7 -.35, depressed -.8 -.45, depressing -.75 -.45, "
    "miserable -.85 -.2, lonely -.6 -.5, desolate -.7 -.45, bleak -.75 -.25, barren -.5 -.55, "
    "forlorn -.65 -.5, wistful -.25 -.4, nostalgic -.1 -.3, bittersweet -.1 -.3, longing -.3 -.25, yearning -.2 -.1, "
    "tragic -.75 -.1, heartbroken -.8 -.25, heartbreaking -.75 -.2, heartbreak -.75 -.2, grieving -.8 -.3, "
    "grief -.8 -.3, lament -.7 -.35, regretful -.55 -.35, weary -.4 -.7, tired -.2 -.85, bored -.35 -.75, "
    "droopy -.3 -.85, hopeless -.8 -.4, defeated -.65 -.45, cold -.45 -.35, frozen -.35 -.45, "
    "icy -.4 -.3, foggy -.15 -.5, hazy .05 -.5, somber -.55 -.45, sombre -.55 -.45, moody -.35 -.2, brooding -.55 -.1, "
    "melancholy -.55 -.5, rainy -.2 -.5, funereal -.75 -.5, dystopian -.65 .15, ruined -.55 -.3, decaying -.6 -.3, "
    # unpleasant and agitated
    "afraid -.65 .75, fearful -.65 .7, scared -.65 .75, scary -.65 .55, frightening -.7 .65, terrifying -.8 .8, "
    "creepy -.65 .25, spooky -.4 .2, eerie -.45 .1, unsettling -.55 .35, uneasy -.45 .4, disturbing -.7 .45, "
    "nightmarish -.8 .6, sinister -.7 .3, evil -.8 .4, ominous -.6 .3, menacing -.65 .5, threatening -.65 .55, "
    "foreboding -.55 .25, haunting -.4 .0, haunted -.5 .15, ghostly -.4 .0, anxious -.5 .65, nervous -.4 .6, "
    "worried -.5 .45, paranoid -.55 .6, suspenseful -.35 .5, dangerous -.45 .65, alarmed -.35 .85, panicked -.6 .95, "
    "panicky -.6 .9, desperate -.6 .7, distressed -.7 .6, frustrated -.6 .45, annoyed -.6 .5, angry -.65 .8, "
    "furious -.65 .95, enraged -.7 .95, hostile -.65 .65, violent -.7 .9, brutal -.65 .9, "
    "savage -.6 .9, ferocious -.55 .95, fierce -.35 .85, aggressive -.45 .85, vicious -.7 .85, merciless -.65 .9, "
    "chaotic -.4 .95, frantic -.3 .95, frenetic -.2 .95, manic -.1 .95, hectic -.2 .9, tumultuous -.4 .8, "
    "stormy -.35 .75, dramatic -.1 .6, bitter -.6 .2, harsh -.55 .6, gritty -.35 .45, cruel -.75 .5, doomed -.75 .2, "
    "apocalyptic -.6 .7, cursed -.65 .2, demonic -.75 .7, grim -.65 .1, wicked -.5 .4, tragicomic -.1 .1, "
    # agitated, neither here nor there
    "intense -.1 .8, driving .15 .75, hurried -.1 .75, pressing -.15 .7, restless -.2 .6, agitated -.4 .8, wild .2 .9, "
    "astonished .3 .85, aroused .2 .9, determined .25 .55, focused .2 -.1, alert .2 .6, "
    "mischievous .35 .4, sneaky -.1 .25, rebellious .1 .7, defiant .05 .7, bold .4 .6, confident .5 .4, "
    "fearless .4 .7, "
    # pleasant and agitated
    "excited .65 .75, exciting .65 .75, thrilling .5 .85, exhilarating .65 .85, ecstatic .85 .85, euphoric .8 .7, "
    "elated .85 .65, jubilant .85 .7, joyful .85 .45, joyous .85 .5, cheerful .85 .4, merry .85 .45, jolly .85 .5, "
    "delighted .85 .35, glad .8 .2, pleased .8 .1, amused .7 .35, playful .7 .4, funny .65 .4, silly .6 .45, "
    "goofy .6 .5, zany .5 .65, quirky .5 .35, whimsical .6 .3, cute .75 .2, cheeky .55 .4, rowdy .5 .75, "
    "lively .7 .65, "
    "bouncy .75 .6, energetic .6 .8, vibrant .7 .6, peppy .75 .65, festive .8 .6, carnival .7 .7, triumphant .7 .75, "
    "victorious .75 .7, heroic .55 .7, majestic .5 .5, grand .45 .5, glorious .7 .6, noble .5 .3, proud .55 .45, "
    "powerful .2 .8, mighty .25 .8, soaring .6 .6, uplifting .75 .45, inspiring .65 .35, inspirational .65 .35, "
    "motivational .65 .5, optimistic .7 .3, adventurous .5 .55, courageous .5 .6, brave .5 .55, bright .7 .35, "
    "sunny .8 .3, radiant .7 .4, shimmering .45 .0, sparkling .6 .3, magical .35 .0, wondrous .5 .1, wonder .5 .1, "
    "awe .35 .3, curious .2 .1, enchanted .35 -.1, mystical .05 -.15, ethereal .25 -.4, otherworldly -.05 -.1, "
    "surreal -.1 .1, psychedelic .1 .3, trippy .05 .3, cosmic .15 -.05, futuristic .1 .25, groovy .6 .5, funky .65 .6, "
    "catchy .65 .5, cool .4 .1, smooth .5 -.3, sexy .5 .2, sensual .5 .0, seductive .4 .1, passionate .4 .6, "
    "loving .7 -.1, hopeful .55 .15, fun .75 .5, epic .45 .75, rousing .6 .7, stirring .4 .5, regal .45 .3, "
    "ceremonial .3 .2, patriotic .5 .4, pompous .3 .5, swaggering .4 .5, drunk .4 .5, jaunty .7 .45, perky .7 .55"
)


def _held(value: float) -> float:
    return round(min(1.0, max(-1.0, value)), 4)


def _plane() -> dict[str, Affect]:
    rows = (entry.split() for entry in _WORDS.split(","))
    words = {word: Affect(float(valence), float(arousal)) for word, valence, arousal in rows}
    return {**ANCHORS, **words}


PLANE: dict[str, Affect] = _plane()
"""Every word of the table, and the anchors, by where they lie."""


def word_of_plane(words: str, mood: str) -> str:
    """Where on the plane a mood word lies: its own place, else that of the mood it stands for."""
    return words if words in PLANE else mood


def distance(one: Affect, other: Affect) -> float:
    """How far two places are apart: 0 to 2.83."""
    return float(((one.valence - other.valence) ** 2 + (one.arousal - other.arousal) ** 2) ** 0.5)


def nearest(place: Affect, without: Collection[str] = ()) -> str:
    """The published mood nearest to a place, of those that are no more than a place and are not in `without`."""
    free = [mood for mood in MOODS if mood not in without and mood not in _FREE]
    return min(free or MOODS, key=lambda mood: distance(ANCHORS[mood], place))


def contradict(one: Affect, other: Affect) -> bool:
    """Whether nothing can be both: calm and frantic, cheerful and grim (but epic or calm and dark go together)."""
    arousal, valence = abs(one.arousal - other.arousal), abs(one.valence - other.valence)
    return arousal >= 1.15 or (valence > 1.2 and one.valence * other.valence < 0)


def level(place: Affect) -> int:
    """The intensity (1 to 5) that a place suggests: its arousal."""
    return min(5, max(1, round(3 + 2.2 * place.arousal)))
