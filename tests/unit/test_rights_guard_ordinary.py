"""What an audio director writes passes: a guard that stops ordinary words is as bad as one that lets names through."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from services.rights.guard import Guard

ROOT = Path(__file__).parents[2]
SENTENCES = """
queen of the forest
kiss of the night air
a journey across the rush of the river
the queen's procession through the garden of the muse
a long journey home, hopeful, strings and horn
the air is cold and the bush is dry
a rush of strings like a wave breaking
a hole in the ground where garbage burns, industrial percussion
a train crossing the desert at night, brushes and upright bass
train-like ostinato in the low strings
the heart of the machine, pulsing synth bass
heartbeat kick under a held cello note
like a train leaving the station
like a queen entering the hall
sounds like air moving through old pipes
strings like cream, warm and slow
a tool shed full of clockwork, pizzicato and woodblocks
doom is near: low brass, tolling bell, slow
the doom of the last king, choir and organ
a portal opens, shimmering bells, reversed strings
through the portal into a city of glass
a fable told by the fire, harp and flute
destiny calls, horn fanfare over timpani
the hero's destiny, theme in the horn, then strings
a halo of light around the choir
genesis of a world: slow ambient pads, no drums
yes, more brass; no flute
the prince returns to his ruined castle
a boss named the Hollow Prince, organ and taiko
crown prince coronation march with trumpets
the ice queen's throne room, glass harmonica and choir
snow queen, cold bells, distant choir
music for a cafe in Berlin in the twenties, clarinet and piano
Chicago blues with slide guitar and harmonica
Chicago house at 124 bpm, electric piano chords
Berlin school sequencer ambient, slow evolving arpeggio
a market in central Asia, lute and hand drums
medieval Europe, village dance, whistle and drum
a voyage to America in 1890, folk fiddle and accordion
a smoky bar in Boston, upright bass and brushes
a night in Kansas City, swing piano
Japan in spring, koto and shakuhachi
Africa at dawn, kalimba and hand percussion
a state of calm, a state of bliss
Bach-like fugue for organ
in the style of Mozart, a string serenade
in the style of a baroque suite
Debussy-like harmonies for harp and flute
sparse piano in the manner of Satie
Ravel-like orchestration with a snare ostinato
a planet, in the style of Holst
Chopin nocturne mood, solo piano, rain outside
Beethoven-style storm for strings
a waltz in the manner of Johann Strauss
Vivaldi-like concerto grosso for strings
inspired by Grieg, a hall of trolls, bassoons
a Handel-like fanfare with natural trumpets
Tchaikovsky ballet feel, celesta and pizzicato
late Wagner harmony, slow brass chorale
a Liszt-like cadenza for piano
Dvorak-like second theme for english horn
Monteverdi madrigal for five voices
in the style of Rachmaninoff, romantic piano
Bartok-like night music, quiet clusters in the strings
a Scott Joplin style rag for upright piano
AABA form with a bridge in the dominant
form A-B-B-A with a short intro
chords A C D C, then G
chords E A G A, 16 bars, 88 bpm
notes D E A D in the bell, every four bars
4/4, 120 bpm, 8 bars, 16-bit chiptune
7/8 at 171 bpm, relentless, 808 kick
the 303 line rises, 909 hats come in
24 bit, 48 kHz, -23 LUFS, loop of 64 s
3 a.m. in the diner, electric piano and rain
no drums, no vocals, no guitar
shh! quiet here, only the wind!
(soft) strings + harp + flute, then (loud) brass
a $5 bet at the card table, ragtime piano
email the stems @ 96 kHz
drums|bass|keys, three stems
rain on leaves, open sky, distant thunder
purple rain clouds over the moor
a yellow submarine-shaped toy, playful tuba
the rising sun over rice fields, shakuhachi
here comes the knight, horns
let it be quiet before the fight
imagine a forest after rain
hello from the village, cheerful whistle
yesterday's ruins, melancholic cello
a thriller chase through wet streets
one last dance before the war
a bridge over dark water, low strings
the wind of change in the capital, hopeful brass
the eye of the storm, stillness, one violin
smoke above the battlefield, slow snare
the wall falls, huge brass, taiko
the police arrive, sirens, tense synth bass
police chase at night, driving drums
the doors open slowly, choir rises
the cure is found, hopeful resolve
the fall of the city, lament for solo cello
the band strikes up a polka
a brass band in the town square
big band swing with walking bass
rock band energy, distorted guitar, no vocals
death metal blast beats and growling low brass
doom metal tempo, sludgy distorted guitar
power metal gallop for a dragon ride
free jazz chaos for the madhouse
live drums, dry and close
lush strings and low pads
gothic choir and pipe organ, cursed cathedral
gregorian chant in a stone nave
renaissance lute dance in the court
in the style of renaissance dances
fantasy tavern song, fiddle and bodhran
in the style of fantasy adventure films
zombie horde, dissonant strings
vampire ball, harpsichord waltz
ghost ship, creaking wood, low choir
phoenix rising from ash, triumphant horns
an oasis at noon, oboe and frame drum
emperor's march, snare and trumpet
mayhem in the market, xylophone and bassoon
a muse sings by the lake, harp and alto flute
traffic in a cyberpunk city, synth pads
camel caravan over dunes, slow frame drum
scorpions in the sand, nervous percussion
eagles over the canyon, solo horn
swans on a black lake, oboe and harp
pixies in the grove, celesta and pizzicato
a squid from the deep, low brass glissando
sting on the off-beat, short brass stinger
slash of the sword, then silence
a seal swims past, playful clarinet
an usher leads us through the theatre
ice cube bells, frozen lake
common time, brushed snare
drake circling the tower, drums of war
future city, arpeggiated synths
offset the loop by two beats
a pink sky over the sea, calm pads
poppy fields in June, acoustic guitar
a jewel in the cave, sparkling bells
fallout shelter, lonely radio, muted trumpet
oblivion awaits, slow drone
a quake under the mine, timpani roll
a contra melody in the viola
a sonic texture of glass and metal
a persona test: dreamy pads, unreal
marathon runner, 160 bpm, driving beat
a thief in the palace, pizzicato, soft percussion
hades, the underworld river, low choir
bastion under siege, war drums
limbo, grey fog, detuned piano
inside the clock tower, ticking marimba
control room alarm, pulsing synth
rust and rain, bowed metal
gothic tower, storm, organ
a sacred grove, choir without words
heroes return, fanfare
a change of season, falling leaves, cello
time runs out, ticking strings
money counter, shop menu, bossa nova
paradise garden, harp glissandi
diamonds in the mine, celesta
umbrella dance, playful clarinets in the rain
fireworks over the harbour, festive brass
flowers in the ruins, hopeful piano
vogue photo shoot, minimal house beat
a vampire in the opera, cello and harpsichord
numb with cold, sparse piano
crawling through vents, tense low synth
clocks of the old town, marimba
dreams of the deep sea, ambient pads
circle of druids, bodhran and low whistle
under the sea, coral light, harp
a whole new region, adventurous strings
over the mountains, horn call
a moonlit river, slow guitar
a wonderful morning, bright flute
a brave little robot, chiptune arpeggio
a wizard and his cat, bassoon
a witch in the swamp, contrabass and bells
a knight in black armour, low brass
orc war camp, tribal drums, distorted bass
elven woods, harp, flute and choir
dwarven halls, male choir hum and anvil
space station drift, synth pad, no melody
alien planet, strange bells, deep drones
predator stalks, muted drums
gladiator arena, brass and taiko
titanic waves, massive low brass
a cheerful shop theme, marimba and flute
stealth mission, 96 bpm, plucked bass
puzzle room, light marimba, curious
game over, short falling phrase
level up jingle, two seconds, bright brass
credits roll, full orchestra, main theme
loading screen, quiet loop, pads only
main menu, mysterious, piano and strings
pause menu, filtered version of the field theme
combat layer two, add taiko and low brass
rain, cafe, lo-fi beat, late night
music to sleep by, soft pads, no drums
workout track, 128 bpm, driving bass
calm music for reading, felt piano
by the river at dusk, flute
by air and by sea, the fleet arrives
travel by train, gentle shuffle
a song of the sea, accordion and fiddle
covers the whole range from pp to ff
tribute to the fallen, solo trumpet
in the style of a film noir, muted trumpet
in the style of a sea shanty
in the style of 1980s synth music
in the style of spaghetti westerns, whistle and twang guitar
in the style of a village dance
in the style of police procedurals
similar to the exploration cue but darker
similar to a lullaby
reminiscent of a music box
inspired by nature and water
inspired by the queen of the night
inspired by a long journey
inspired by old maps
like a kiss in the rain
like rush hour in a big city
a cover of snow on the hills
version of the theme without drums
the sound of air in a cave
the sound of silence before the storm
the spirit of the forest, alto flute
theme of destiny, horn and strings
theme of the journey, whistle
score of a lost film, piano only
classic jazz trio, brushes
early morning, soft pads
""".strip().splitlines()
CUES = (
    "like", "style", "by ", "inspired", "manner", " of ", "similar", "reminiscent", "band", "classic", "early",
    " song ", "theme", "cover", "version", "sound", "tribute", "after",
)
FRAMES = (
    "{}", "a calm piece with {}", "{} and {}", "no {}", "in the style of a {} piece", "like a {}", "{} theme, loopable",
    "a {} by the lake", "Exploration: {}, room for dialogue",
)


@pytest.fixture(scope="module")
def guard() -> Guard:
    return Guard.load()


def refused(guard: Guard, text: str) -> list[str]:
    return [match.name for match in guard.check(text) if match.weight == "refused"]


def strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in (str(key), *strings(item))]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return [str(value)]


def test_sentences_of_an_audio_director_pass(guard: Guard) -> None:
    assert len(SENTENCES) > 200
    assert {text: names for text in SENTENCES if (names := refused(guard, text))} == {}


@pytest.mark.parametrize("turn", [str.title, str.capitalize], ids=["titles", "sentences"])
def test_the_same_sentences_pass_as_titles_and_with_a_capital(guard: Guard, turn: Any) -> None:
    plain = [text for text in SENTENCES if not any(cue in f" {text.lower()} " for cue in CUES)]
    assert len(plain) > 100
    assert {text: names for text in map(turn, plain) if (names := refused(guard, text))} == {}


def test_few_of_those_sentences_are_warned_of(guard: Guard) -> None:
    warned = [text for text in SENTENCES if guard.check(text)]
    assert len(warned) <= len(SENTENCES) // 20, warned


def test_every_text_of_the_example_briefs_passes(guard: Guard) -> None:
    texts = [text for file in sorted((ROOT / "flows" / "briefs").glob("*.yaml"))
             for text in strings(yaml.safe_load(file.read_text()))]
    assert len(texts) > 400
    assert {text: names for text in texts if (names := refused(guard, text))} == {}
