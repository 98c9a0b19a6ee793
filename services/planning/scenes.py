"""Where and when music plays: places, eras and game states as people call them, and what each of them suggests.

Tables only, like `lexicon`, each phrase in lower case with spaces for hyphens.
"""

from functools import cache

from services.planning.lexicon import phrases_in

# Places: the mood they suggest and the colours they add where no instrument is named.
BIOMES: dict[str, tuple[str, tuple[str, ...]]] = {}
_BIOMES = (
    ("forest, woods, woodland, grove, jungle, swamp, marsh, bog, moor, rainforest, marshland, fen, elven, elf, elves, "
     "fairy, fairies, druid", "mysterious", ("flute", "harp")),
    ("coast, sea, ocean, beach, harbour, harbor, island, lagoon, river, lake, reef, shore, seaside, bay, port, ship, "
     "sailing, pirate, pirates, waterfall, tropical", "hopeful", ("whistle", "acoustic guitar")),
    ("meadow, plain, plains, field, fields, hills, valley, farmland, prairie, garden, orchard, farm, farming, "
     "countryside, grassland, overworld, spring, summer, steppe, park", "hopeful", ("flute", "horn")),
    ("desert, dune, dunes, oasis, canyon, wasteland, savanna, badlands, bazaar, pyramid, sands", "mysterious",
     ("oboe", "hand drums")),
    ("snow, ice, glacier, tundra, frost, frozen, winter, arctic, snowy, icy, snowfield, blizzard", "mysterious",
     ("bell", "choir")),
    ("cave, cavern, crypt, catacombs, tomb, mine, dungeon, sewer, abyss, ruins, necropolis, graveyard, cemetery, "
     "caves, caverns, mines, sewers, mansion, asylum, attic, basement, vampire, zombie, zombies", "dark",
     ("cello", "bell")),
    ("volcano, lava, ash, inferno, hell, forge, volcanic, demon, demons, dragon, dragons, orc, orcs", "dark",
     ("low brass", "taiko")),
    ("mountain, mountains, peak, cliff, highland, highlands, summit, viking, vikings, nordic, fjord, sky, flying",
    "epic",
     ("horn", "strings")),
    ("city, town, village, market, castle, palace, court, kingdom, throne, marketplace, hamlet, shop, inn, hub",
     "hopeful", ("strings", "flute")),
    ("temple, shrine, cathedral, monastery, abbey, church, chapel, sanctuary, monks", "mysterious", ("choir", "organ")),
    ("space, station, starship, nebula, orbit, galaxy, sci fi, scifi, science fiction, spaceship, planet, stars, "
     "underwater, deep sea, laboratory, lab, alien planet", "mysterious", ("synth pad", "glass pad")),
    ("dawn, sunrise, morning, daybreak, daylight, day, sunlight, noon, rainbow", "hopeful", ("flute", "horn")),
    ("night, nighttime, midnight, moonlight, moon, moonlit, dusk, twilight, evening, sunset, nocturne, starry, "
     "starlight",
     "calm", ("harp", "clarinet")),
    ("fog, mist, misty, rain, drizzle, autumn, wind, windy, clouds", "melancholic", ("piano", "strings")),
    ("storm, thunder, thunderstorm, hurricane, avalanche, tempest", "tense", ("low brass", "timpani")),
    ("cafe, coffee, coffeehouse, restaurant, coffee shop, bar, hotel lobby, lobby, library, bookshop", "calm",
     ("piano", "upright bass")),
)
for _places, _mood, _colours in _BIOMES:
    BIOMES |= {place: (_mood, _colours) for place in _places.split(", ")}

ERAS: dict[str, tuple[str, tuple[str, ...]]] = {}
"""An era or a manner: the genre it suggests where none is named, and the instruments it is known by."""
_ERAS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("medieval era, middle ages, 12th century, 13th century, 14th century", "medieval",
     ("lute", "recorder", "hand drums")),
    ("renaissance, elizabethan, tudor, 15th century, 16th century", "medieval", ("lute", "recorder", "harpsichord")),
    ("baroque, baroque era, 17th century, 18th century, bach, vivaldi", "orchestral", ("harpsichord", "short strings")),
    ("classical era, mozart, haydn, galant, rococo", "orchestral", ("strings", "oboe", "horn")),
    ("romantic era, 19th century, victorian, late romantic, steampunk", "orchestral", ("strings", "horn", "piano")),
    ("1900s, turn of the century, belle epoque, silent film, silent movie, gilded age", "jazz", ("piano",)),
    ("1920s, 20s jazz, roaring twenties, twenties, prohibition, prohibition era, jazz age, art deco, gatsby", "jazz",
     ("piano", "muted trumpet", "clarinet", "upright bass")),
    ("1930s, 1940s, thirties, forties, 30s jazz, 40s jazz, swing era, wartime, big band era, 30s swing, 40s swing",
     "jazz", ("saxophone", "trumpet", "upright bass", "brushes")),
    ("1950s, fifties, 50s, rockabilly era, doo wop", "rock", ("electric guitar", "upright bass", "drums")),
    ("1960s, sixties, 60s, swinging sixties, mod, psychedelic era", "rock", ("electric guitar", "rock organ", "bass")),
    ("1970s, seventies, 70s, disco era, blaxploitation", "city-pop",
     ("electric piano", "clavinet", "slap bass", "drums")),
    ("1980s, eighties, 80s, retro 80s, mid 80s, miami vice", "synthwave",
     ("synth lead", "synth pad", "synth brass", "synth bass", "electronic drums")),
    ("1990s, nineties, 90s, y2k, 90s rave", "electronic", ("synth lead", "piano", "breakbeat drums")),
    ("2000s, noughties, 2010s", "electronic", ("supersaw", "synth bass", "electronic drums")),
    ("four on the floor, 4 on the floor, four to the floor", "house", ("techno drums",)),
)
for _eras, _style, _players in _ERAS:
    ERAS |= {era: (_style, _players) for era in _eras.split(", ")}

STATES = {
    "boss": "boss fight, boss battle, final boss, last boss, boss theme, mini boss, miniboss, end boss, showdown",
    "combat": "battle, fight, fighting, combat theme, battle theme, skirmish, attack, siege, duel, battle music, "
    "random encounter, ambush",
    "exploration": "exploring, explore, overworld, open world, roaming, wandering, field theme",
    "menu": "main menu, title screen, menu screen, title theme, start screen, pause menu, character select",
    "victory": "win screen, victory fanfare, level complete, level clear, mission complete, level up",
    "defeat": "game over, game over screen, death screen, you died, mission failed, loss",
    "town": "village, shop, hub, safe zone, safe haven, marketplace, home base, inn, hub world",
    "dungeon": "crypt, catacombs, caves, labyrinth",
    "stealth": "infiltration, sneaking, stealth mission, sneaking mission",
    "puzzle": "puzzle room, brain teaser, riddle", "cutscene": "cut scene, cinematic scene, story scene",
    "low-tension": "",
}
"""Words for game states, for an order of one sentence; an order by brief names its states itself."""


@cache
def states() -> dict[str, tuple[str, ...]]:
    """Phrase to game state."""
    named: dict[str, tuple[str, ...]] = {state.replace("-", " "): (state,) for state in STATES}
    named |= {phrase: (state,) for state, line in STATES.items() for phrase in phrases_in(line)}
    return named
