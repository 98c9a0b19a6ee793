"""What people call things: synonyms of genres, moods, instruments and tempi, for reading prompts and briefs.

Tables only, each phrase in lower case with spaces for hyphens. The published words themselves are added by `lookup`;
what a mood word weighs stands in `moods`, places, eras and game states in `scenes`. Nothing here reads a text.
"""

from collections.abc import Mapping
from functools import cache

from models.words import GENRES, INSTRUMENTS, MODES, MOODS
from services.planning.moods import PLANE, nearest

# A style without a genre of its own stands with the genre that comes nearest.
_GENRES = {
    "orchestral": "orchestra, symphonic, symphony, cinematic, film score, movie score, film music, classical, "
    "philharmonic, chamber music, neoclassical, neo classical, modern classical, contemporary classical, orchestrated, "
    "hybrid orchestral, trailer music, trailer, opera, operatic, concerto, overture, chamber orchestra, full orchestra",
    "ambient": "ambience, atmospheric, atmosphere, soundscape, new age, meditation, meditation music, spa, "
    "drone music, "
    "dark ambient, space ambient, space music, sleep music, yoga, sound bath, chillout, chill out, psybient, textural, "
    "relaxation music",
    "jazz": "jazzy, swing, swinging, bebop, hard bop, big band, cool jazz, smooth jazz, noir, film noir, ragtime, "
    "dixieland, lounge, blues, bluesy, jazz trio, gypsy jazz, manouche, jazz fusion, speakeasy, stride, charleston, "
    "torch song, cocktail jazz, new orleans",
    "bossa-nova": "bossa, bossanova, samba, latin jazz, brazilian, mpb, latin",
    "lo-fi": "lofi, lo fi hip hop, lofi hip hop, lo fi beats, chillhop, hip hop, hiphop, trip hop, study beats, "
    "chill beats, lo fi beat, lofi beat, boom bap, jazzhop, chill hop, downbeat",
    "folk": "folky, folksy, acoustic, country, bluegrass, americana, singer songwriter, sea shanty, shanty, "
    "indie folk, "
    "roots, klezmer, balkan, country and western, hillbilly, flamenco, polka, campfire, western, wild west",
    "celtic": "irish, gaelic, scottish, celtic folk, reel, jig, slip jig, hornpipe, ceilidh, breton, highland dance, "
    "irish folk, scottish folk",
    "medieval": "tavern, renaissance, troubadour, minstrel, bard, bardic, madrigal, early music, courtly, saltarello, "
    "estampie, tavern music, middle ages, gregorian",
    "waltz": "waltzing, viennese waltz, ballroom, valse",
    "march": "marching, military, military march, parade, marching band, martial, drum corps, funeral march, "
    "brass band",
    "horror": "slasher, psychological horror, survival horror, horror film, horror movie, horror game, jump scare",
    "rock": "hard rock, punk, grunge, indie rock, rock and roll, rock n roll, rock & roll, rocking, alternative rock, "
    "post rock, prog rock, progressive rock, surf rock, classic rock, rockabilly, pop rock, pop punk, punk rock, "
    "garage rock, stoner rock, blues rock, southern rock, indie, arena rock, psychedelic rock, folk rock",
    "metal": "heavy metal, thrash, thrash metal, death metal, black metal, doom metal, metalcore, djent, power metal, "
    "nu metal, symphonic metal, deathcore, progressive metal, industrial metal, speed metal, hardcore punk",
    "city-pop": "citypop, j pop, jpop, japanese pop, funk, disco, nu disco, yacht rock, future funk, soul, r & b, rnb, "
    "pop, dance pop, indie pop, k pop, kpop, motown, neo soul",
    "electronic": "edm, trance, progressive trance, electro, electronica, dubstep, idm, dance, dance music, "
    "industrial, "
    "big beat, club, cyberpunk, psytrance, synth pop, synthpop, electropop, future bass, glitch, hardstyle, hyperpop, "
    "berlin school, eurodance, uplifting trance, breakbeat, breaks, new wave, electronic music, hybrid, "
    "drum machine pop",
    "house": "deep house, progressive house, tech house, acid house, chicago house, french house, tropical house, "
    "electro house, piano house, disco house, ambient house, uk garage, future house, house music, ibiza",
    "techno": "minimal techno, acid techno, detroit techno, hard techno, industrial techno, melodic techno, "
    "dub techno, "
    "ambient techno, rave, warehouse, acid",
    "synthwave": "synth wave, retrowave, outrun, vaporwave, darksynth, dark synth, chillwave, dreamwave, "
    "new retro wave, retro wave, dark synthwave, retro synth, neon",
    "drum-and-bass": "drum n bass, drum & bass, drum bass, dnb, d n b, d & b, neurofunk, liquid funk, liquid dnb, "
    "liquid drum and bass, breakcore, jump up, jungle breaks, ragga jungle, jungle drum and bass, jungle techno, "
    "90s jungle, oldschool jungle, old school jungle, jungle dnb",
    "trap": "trap beat, trap music, drill, phonk, rap beat, cloud rap, rap, gangsta rap, hip hop trap, uk drill",
    "chiptune": "chip tune, chiptunes, 8bit, 16bit, 8 bit, 16 bit, nes, snes, famicom, game boy, gameboy, retro game, "
    "chip music, commodore 64, c64, sid, arcade, pixel art, retro video game, tracker music, bitpop, master system, "
    "mega drive, amiga, platformer, 8 bit era, 16 bit era",
}

WEAK_GENRES = frozenset({
    "cinematic", "atmospheric", "atmosphere", "ambience", "acoustic", "dance", "electronic", "pop", "classical",
    "trailer", "indie", "latin", "arcade", "western", "orchestrated", "hybrid", "funk", "soul", "ambient", "textural",
    "acid", "neon", "club", "industrial", "noir", "jazzy", "bluesy", "folky", "breaks", "glitch", "military",
    "platformer", "campfire", "parade", "horror", "rave", "ballroom", "spa", "meditation", "rocking", "march",
    "marching", "psychedelic rock", "roots", "tavern", "breakbeat", "swinging", "orchestral",
})  # fmt: skip
"""Words of a style that give way to a plainer one: `atmospheric black metal` is metal."""

_MOODS = {
    "calm": "peaceful, serene, gentle, relaxing, relaxed, soothing, tranquil, quiet, soft, warm, cozy, cosy, chill, "
    "mellow, dreamy, sleepy, laid back, placid, meditative, focused, focus, contemplative, chilled, floating, "
    "unwinding, ethereal",
    "hopeful": "optimistic, uplifting, inspiring, inspirational, bright, sunny, noble, pastoral, wonder, wondrous, "
    "adventurous, up lifting, adventure, hope, motivational, life affirming, dawning",
    "melancholic": "melancholy, sad, sorrowful, mournful, wistful, nostalgic, bittersweet, lonely, somber, sombre, "
    "tragic, grieving, plaintive, elegiac, forlorn, heartbroken, heartbreaking, heartbreak, lament, longing, yearning, "
    "grief, sorrow, nostalgia, sadness, pensive, moody, regretful, lacrimoso, lamentoso, mesto, dolente, rainy, gloomy",
    "mysterious": "mystery, enigmatic, eerie, magical, mystical, otherworldly, arcane, strange, curious, "
    "haunting, ghostly, enchanted, spooky, magic, mystic, surreal, dreamlike, cosmic, alien, misterioso, intriguing, "
    "wonderland, hypnotic, trippy, psychedelic, secretive, occult, foggy",
    "dark": "grim, sinister, evil, ominous, scary, creepy, horror, menacing, bleak, cursed, gothic, macabre, darkness, "
    "brooding, nightmarish, terrifying, dystopian, demonic, haunted, unholy, frightening, doomed, post apocalyptic",
    "tense": "tension, suspense, suspenseful, uneasy, nervous, anxious, stealthy, sneaky, dangerous, wary, foreboding, "
    "unsettling, paranoid, danger, threat, threatening, thriller, spy, espionage, heist, crime, investigation, "
    "dramatic, drama, apprehensive, dissonant",
    "urgent": "driving, hurried, pressing, frantic, chase, racing, aggressive, fierce, intense, battle, fighting, "
    "frenetic, desperate, action, attack, assault, raid, siege, duel, combat, urgency, pursuit, adrenaline, "
    "high octane, hectic, restless, agitated, agitato, "
    "con fuoco, wild, chaotic, panic, showdown, escape, fight",
    "epic": "heroic, triumphant, majestic, grand, grandiose, glorious, powerful, anthemic, victorious, legendary, "
    "maestoso, soaring, monumental, colossal, regal, proud, mighty, rousing, stirring, patriotic, imperial, royal, "
    "blockbuster, trailer, courageous, brave, pompous, awe inspiring",
    "happy": "joyful, joyous, cheerful, merry, jolly, playful, cute, fun, silly, whimsical, jaunty, comical, funny, "
    "comedy, comedic, quirky, goofy, light hearted, lighthearted, happiness, joy, festive, carefree, feel good, "
    "giocoso, scherzando, mischievous, delightful, humorous, zany, cheeky, rowdy, summery, christmas, birthday",
    "upbeat": "energetic, lively, bouncy, groovy, funky, peppy, catchy, motivating, energizing, party, "
    "euphoric, excited, exciting, thrilling, vibrant, high energy, exhilarating, energico, con brio, jubilant, "
    "danceable",
    "romantic": "love, loving, tender, intimate, sensual, passionate, sentimental, romance, love theme, heartfelt, "
    "emotional, lyrical, cantabile, dolce, con amore, amoroso, espressivo, affectionate, seductive, sexy, wedding, "
    "appassionato, touching, heartwarming",
    "relentless": "merciless, brutal, unstoppable, pounding, ferocious, savage, crushing, furious, unrelenting, "
    "no mercy, furioso, pummeling, pummelling, hammering, violent, vicious, angry, rage, punishing, feroce",
    "neutral": "unobtrusive, background",
}

# Singular forms; plurals are made from the last word.
_INSTRUMENTS = {
    "strings": "string, string section, string orchestra, string ensemble, violins section, legato string, "
    "sustained string, bowed string, orchestral string",
    "short strings": "staccato, spiccato, staccato string, spiccato string, short string, col legno, string ostinato, "
    "marcato string, string stab, chugging string, staccatissimo",
    "pizzicato strings": "pizzicato, pizz, pizzicato string, plucked string, pizz string, pizzicato violin, "
    "pizzicato cello, pizzicato viola, pizzicato contrabass",
    "tremolo strings": "tremolo, tremolando, tremolo string, tremolo violin, tremolo cello, shivering string, "
    "trembling string, sul ponticello",
    "violin": "first violin, electric violin", "fiddle": "nyckelharpa, hardanger fiddle, rebec, vielle",
    "viola": "viola da gamba", "cello": "violoncello, celli, erhu",
    "contrabass": "double bass, string bass, bass viol, bowed bass, arco bass",
    "harp": "lyre, celtic harp, kora, lute harp, lever harp, guzheng, koto",
    "lute": "mandolin, bouzouki, oud, theorbo, vihuela, cittern, balalaika, shamisen, banjo, gittern, saz, biwa, pipa",
    "dulcimer": "hammered dulcimer, hammer dulcimer, cimbalom, santur, psaltery, zither, yangqin, hurdy gurdy",
    "flute": "piccolo, pan flute, panpipe, pan pipe, alto flute, shakuhachi, bansuri, transverse flute, wooden flute, "
    "native american flute, bamboo flute, quena, flutter",
    "recorder": "alto recorder, treble recorder, tenor recorder, blockflute, flageolet",
    "oboe": "english horn, cor anglais, duduk, shawm, zurna, oboe d'amore, crumhorn, ney",
    "clarinet": "bass clarinet, chalumeau", "bassoon": "contrabassoon, dulcian, sackbut",
    "saxophone": "sax, alto sax, tenor sax, baritone sax, soprano sax, alto saxophone, tenor saxophone, "
    "soprano saxophone, baritone saxophone",
    "whistle": "tin whistle, penny whistle, ocarina, low whistle, whistling, whistled melody, irish whistle, fife",
    "bagpipes": "bagpipe, uilleann pipe, pipes, highland pipe, musette",
    "trumpet": "cornet, bugle, flugelhorn, piccolo trumpet, natural trumpet",
    "muted trumpet": "harmon mute, trumpet with mute, muted horn, muted cornet, wah trumpet, trumpet mute, "
    "trumpet con sordino, plunger trumpet",
    "horn": "french horn, natural horn, alphorn", "trombone": "bass trombone, tenor trombone",
    "low brass": "tuba, low brass section, braam, brass braam, sousaphone, cimbasso, euphonium",
    "brass": "brass section, horn section, brass ensemble, fanfare, brass fanfare, brass stab, brass hit, brass choir",
    "choir": "chorus, choral, vocal, chant, chanting, singing, opera choir, men's choir, male choir, "
    "female choir, boys choir, children's choir, latin choir, gregorian chant, choir pad, oohs, aahs, vocals",
    "solo voice": "voice, singer, sung, soprano, vocalise, female voice, male voice, female vocal, male vocal, "
    "wordless voice, wordless vocal, soloist voice, vocalist, alto voice, ethereal voice, humming, tenor voice, "
    "lead vocal, lead vocals, female vocals, male vocals, wordless vocals",
    "organ": "pipe organ, church organ, cathedral organ, positive organ, portative organ, harmonium, calliope",
    "rock organ": "hammond, hammond organ, b3, tonewheel organ, drawbar organ, electric organ, farfisa, vox organ, "
    "leslie organ",
    "accordion": "concertina, bandoneon, squeezebox, melodeon, harmonica, melodica",
    "piano": "grand piano, upright piano, pianoforte, felt piano, honky tonk piano, tack piano, prepared piano, "
    "piano chord, piano arpeggio, concert grand, saloon piano",
    "electric piano": "rhodes, wurlitzer, e piano, epiano, wurli, fender rhodes, rhodes piano, rhodes chord, dx7, "
    "fm piano, electric keys",
    "clavinet": "clav, clavi, clavichord", "harpsichord": "cembalo, virginal, spinet",
    "celesta": "celeste, toy piano", "music box": "musical box, musicbox",
    "acoustic guitar": "nylon guitar, classical guitar, spanish guitar, flamenco guitar, ukulele, nylon string guitar, "
    "fingerpicked guitar, fingerpicking, bossa guitar, fingerstyle guitar, strummed guitar, guitalele",
    "steel guitar": "steel string guitar, 12 string guitar, twelve string guitar, folk guitar, resonator guitar, "
    "dobro, slide guitar, lap steel, pedal steel, western guitar",
    "electric guitar": "clean guitar, jazz guitar, lead guitar, clean electric guitar, surf guitar, twangy guitar, "
    "telecaster, stratocaster, tremolo guitar, chorused guitar, jangly guitar, archtop, guitar lick",
    "muted guitar": "palm muted guitar, palm muted, palm mute, chugging guitar, chugs, muted electric guitar, "
    "funk guitar, scratch guitar, wah guitar, rhythm guitar, chug",
    "distorted guitar": "distortion guitar, overdriven guitar, heavy guitar, metal guitar, power chord, guitar riff, "
    "crunchy guitar, fuzz guitar, distorted electric guitar, heavily distorted guitar, tremolo picked guitar, "
    "saturated guitar, gritty guitar, driven guitar, high gain guitar, shredding guitar, shred guitar, "
    "screaming guitar",
    "bass": "electric bass, bass guitar, bass line, bassline, fretless bass, finger bass, fingered bass, groovy bass, "
    "funky bass",
    "picked bass": "pick bass, plectrum bass, punk bass, distorted bass, driven bass, overdriven bass",
    "slap bass": "slapped bass, slap bassline, popping bass, slap and pop bass",
    "upright bass": "acoustic bass, walking bass, stand up bass, jazz bass, walking bassline, walking bass line, "
    "plucked bass, plucked upright bass, double bass pizzicato, pizzicato bass",
    "synth bass": "bass synth, moog bass, moog, analog bass, analogue bass, fm bass, analog synth bass, "
    "pulsing bass, rolling bass, bass arp, fat bass, wobble bass, dubstep bass, sequenced bass, saw bass",
    "acid bass": "303, tb 303, acid line, acid synth, squelchy bass, acid bassline",
    "sub bass": "sub bass line, sub bassline, deep bass, 808 bass, sub, subs, sine bass, 808 sub, deep sub bass",
    "reese bass": "reese, reese bassline, growling bass, neuro bass, growl bass",
    "synth lead": "lead synth, saw lead, theremin, analog lead, mono synth, synth melody, lead synth line, mono lead, "
    "synth solo, solo synth, ondes martenot, portamento lead, synth hook",
    "supersaw": "super saw, detuned saw, trance lead, hoover, supersaw chord, trance pluck chord, saw stack",
    "synth pad": "pad, warm pad, synth string, analog pad, string machine, ambient pad, airy pad, mellotron, solina, "
    "lush pad, evolving pad, analog synth pad, pad chord, atmospheric pad, swelling pad, juno pad, synth choir",
    "glass pad": "glassy pad, crystal pad, glass harmonica, shimmer pad, bell pad, glass, shimmering pad, icy pad, "
    "wine glass, bowed glass",
    "dark drone": "drone, low drone, dark pad, bass drone, rumble, sub drone, ominous drone, drone bed, synth drone",
    "synth brass": "brass synth, analog brass, oberheim brass, synth horn, synth brass stab, jump brass",
    "pluck": "plucked synth, arpeggio, arp, arpeggiator, arpeggiated, arpeggiated synth, synth arp, synth pluck, "
    "synth arpeggio, sequencer, arpeggiating, sequenced synth, sequence, pluck synth",
    "square lead": "pulse lead, square wave, chip lead, pulse wave, 8 bit lead, chiptune lead, chip melody, nes lead",
    "triangle bass": "triangle wave, chip bass, 8 bit bass, nes bass",
    "bell": "church bell, chime, gong, singing bowl, hand bell, sleigh bell, wind chime, crotale, fm bell, gamelan, "
    "handpan, hang drum, steel drum, steelpan, steel pan, synth bell, bell tone, tolling bell",
    "glockenspiel": "glock, orchestral bell, metallophone, toy glockenspiel, lyra",
    "tubular bells": "tubular bell, orchestral chime, tolling tubular bell",
    "kalimba": "mbira, thumb piano, sansula", "marimba": "balafon, wooden mallet, amadinda, mallet",
    "xylophone": "wooden xylophone, bone xylophone", "vibraphone": "vibraharp, vibes",
    "drums": "drum, drum kit, drum set, drumkit, drumset, kit, trap set, snare, bass drum, kick drum, hi hat, cymbal, "
    "live drum, acoustic drum, toms, pop drum, jazz drum, drumming, drummer's kit, hat, rimshot, ride cymbal, "
    "drum beat",
    "brushes": "brush, brushed drum, brushed snare, brushed kit, brushwork, brush kit, brushed drum kit",
    "rock drums": "rock drum, heavy drum, blast beat, double kick, double bass drum, metal drum, punk drum, "
    "power drum, double pedal, arena drum, big rock drum, hard hitting drum, rock beat",
    "electronic drums": "drum machine, electronic drum, electronic beat, electro drum, beat, linn drum, linndrum, "
    "programmed drum, gated drum, gated snare, simmons drum, synth drum, 808 drum machine, electronic percussion, "
    "gated reverb drum, dmx, cr 78, gated reverb snare, dusty drum, lofi drum, clap",
    "techno drums": "909, tr 909, techno drum, 909 drum, 909 kick, house drum, techno kick, four to the floor kick, "
    "four on the floor kick, pounding kick, club drum, kick, house beat, 909 hat, dance beat, tr 909 drum",
    "trap drums": "trap drum, trap hat, 808 drum, 808 kick, 808 snare, trap hi hat, rolling hi hat, hi hat roll, "
    "skittering hi hat, tr 808, drill drum, skittering hat, 808 beat, tr 808 drum",
    "breakbeat drums": "breakbeat drum, amen break, amen, chopped break, breakbeat, funky drummer, drum break, "
    "breakbeats, jungle break, chopped amen break, jungle drum, breakbeat loop, sampled break",
    "chip drums": "chip drum, noise drum, 8 bit drum, nes drum, chiptune drum, noise channel",
    "orchestral drums": "orchestral percussion, orchestral drum, concert bass drum, gran cassa, military drum, "
    "military snare, marching drum, field drum, marching snare, snare roll, concert snare, crash cymbal, "
    "cinematic drum, cinematic percussion, epic percussion, orchestral hit, tam tam, side drum, snare drum, epic drum",
    "hand drums": "hand drum, frame drum, bodhran, conga, bongo, djembe, cajon, tabla, darbuka, doumbek, daf, riq, "
    "udu, tabor, dumbek, hand percussion, naker, tribal percussion",
    "taiko": "taiko drum, war drum, tribal drum, big drum, battle drum, thunderous drum, thundering drum, "
    "japanese drum, massive drum, taikos ensemble, daiko",
    "timpani": "kettledrum, kettle drum, timpano, timp, timpani roll",
    "percussion": "shaker, tambourine, woodblock, wood block, maracas, triangle, castanet, cowbell, guiro, claves, "
    "cabasa, agogo, finger snap, hand clap, handclap, latin percussion, auxiliary percussion, world percussion, "
    "finger cymbal, temple block, rain stick, rainstick, light percussion, percussive",
}
_GROUPS = {
    "synth lead, synth pad": "synth, synthesizer, synthesiser, analog synth, analogue synth, keyboard synth",
    "flute, oboe, clarinet": "woodwind, wind instrument, woodwind section, reed, wind section",
    "flute, oboe, clarinet, horn, bassoon": "wind quintet, woodwind quintet",
    "cello, contrabass": "low string, deep string", "violin, viola": "high string, upper string",
    "violin, viola, cello": "string quartet, string trio, chamber string",
    "piano, violin, cello": "classical piano trio",
    "piano, upright bass, brushes": "piano trio, jazz piano trio",
    "electric guitar, bass, rock drums": "power trio",
    "saxophone, trumpet, trombone, piano, upright bass, drums": "big band ensemble, jazz big band, jazz orchestra",
    "strings, brass, horn, flute, timpani": "full orchestra, symphony orchestra, large orchestra",
    "trumpet, horn, trombone, low brass": "brass quintet, brass quartet",
    "brass, low brass, orchestral drums": "brass band, marching band",
    "sub bass, trap drums": "808",
    "glockenspiel, marimba": "mallet percussion, tuned percussion, pitched percussion",
    "electric piano, clavinet": "electric keyboard",
    "distorted guitar, bass, rock drums": "metal band, rock band",
}

# A tempo phrase: (factor on the tempo that state and genre suggest, lowest bpm, highest bpm); 0 bounds nothing.
TEMPI: dict[str, tuple[float, float, float]] = {
    "very slow": (0.6, 0, 60), "slow": (0.75, 0, 76), "slowly": (0.75, 0, 76), "extremely slow": (0.5, 0, 52),
    "slow burning": (0.8, 0, 80), "slow burn": (0.8, 0, 80), "glacial": (0.5, 0, 50), "crawling": (0.6, 0, 60),
    "plodding": (0.8, 0, 80), "unhurried": (0.85, 0, 92), "languid": (0.75, 0, 76), "lazy": (0.85, 0, 88),
    "moderately slow": (0.85, 76, 92), "slow paced": (0.75, 0, 80), "slow tempo": (0.75, 0, 76),
    "mid tempo": (1.0, 96, 112), "medium tempo": (1.0, 96, 112), "moderate tempo": (1.0, 96, 112),
    "midtempo": (1.0, 96, 112), "medium paced": (1.0, 96, 112), "moderately fast": (1.1, 116, 136),
    "walking pace": (0.95, 88, 108), "steady tempo": (1.0, 0, 0), "medium": (1.0, 92, 116), "moderate": (1.0, 92, 116),
    "fast": (1.2, 144, 190), "very fast": (1.35, 168, 220), "fast paced": (1.2, 144, 190), "fast tempo": (1.2, 144,
    190),
    "extremely fast": (1.5, 180, 240), "breakneck": (1.5, 172, 230), "lightning fast": (1.5, 176, 230),
    "quick": (1.15, 136, 180), "rapid": (1.2, 148, 200), "brisk": (1.1, 124, 168), "lively": (1.1, 120, 168),
    "speedy": (1.2, 144, 190), "high speed": (1.25, 150, 200), "hyper": (1.3, 160, 220), "galloping": (1.15, 132, 176),
    "gallop": (1.15, 132, 176), "high tempo": (1.2, 140, 190), "fast moving": (1.15, 132, 180),
    "upbeat": (1.1, 116, 170), "up tempo": (1.15, 132, 190), "uptempo": (1.15, 132, 190), "energetic": (1.1, 128, 180),
    "driving": (1.1, 132, 180), "frantic": (1.3, 160, 220), "racing": (1.2, 150, 200), "chase": (1.2, 148, 190),
    "frenetic": (1.3, 160, 220), "high energy": (1.1, 128, 180), "sprint": (1.25, 150, 190),
    "downtempo": (0.85, 0, 92), "down tempo": (0.85, 0, 92), "laid back": (0.9, 0, 96), "relaxed": (0.9, 0, 96),
    "leisurely": (0.85, 0, 88), "slow motion": (0.7, 0, 72), "low tempo": (0.75, 0, 80),
    "sleepy": (0.75, 0, 72), "lullaby": (0.75, 0, 72), "ballad": (0.75, 0, 80), "half time": (0.75, 0, 90),
    "dirge": (0.65, 0, 60), "funeral march": (0.65, 0, 66), "elegy": (0.75, 0, 72), "lament": (0.75, 0, 72),
    "double time": (1.5, 140, 220), "running": (1.2, 150, 180), "workout": (1.1, 128, 160), "jogging": (1.15, 140, 170),
    "grave": (1, 36, 44), "larghissimo": (1, 28, 36), "largo": (1, 48, 56), "larghetto": (1, 60, 66),
    "lento": (1, 52, 60), "adagio": (1, 60, 72), "adagietto": (1, 70, 80), "andante": (1, 76, 92),
    "andantino": (1, 84, 96), "moderato": (1, 100, 112), "allegretto": (1, 112, 120), "allegro": (1, 124, 148),
    "allegro moderato": (1, 116, 124), "allegro vivace": (1, 144, 156), "allegro con brio": (1, 136, 156),
    "vivace": (1, 150, 164), "vivo": (1, 150, 164), "vivacissimo": (1, 164, 174), "presto": (1, 170, 190),
    "prestissimo": (1, 192, 208), "con moto": (1.08, 0, 0), "con brio": (1.1, 120, 0), "con fuoco": (1.15, 124, 0),
    "maestoso": (0.9, 0, 108), "sostenuto": (0.92, 0, 0), "animato": (1.1, 0, 0), "pesante": (0.88, 0, 0),
    "tranquillo": (0.88, 0, 96), "agitato": (1.15, 0, 0), "ma non troppo": (1.0, 0, 132),
}
INTENSITIES = {
    "sparse": 1, "minimal": 1, "minimalist": 1, "minimalistic": 1, "subtle": 1, "bare": 1, "stripped back": 1,
    "stripped down": 1, "skeletal": 1, "very sparse": 1, "barely there": 1, "hushed": 1, "pianissimo": 1, "pp": 1,
    "whispering": 1, "sotto voce": 1, "low intensity": 1, "low key": 2, "gentle": 2, "soft": 2, "understated": 2,
    "delicate": 2, "light touch": 2, "quiet": 2, "low energy": 2, "restrained": 2, "unobtrusive": 1, "dolce": 2,
    "cantabile": 2, "tranquillo": 2, "mezzo piano": 2, "mp": 2, "softly": 2, "medium intensity": 3, "mezzo forte": 3,
    "mf": 3, "lush": 3, "rich": 3, "full": 3, "intense": 4, "powerful": 4, "energetic": 4, "driving": 4, "dense": 4,
    "aggressive": 4, "thick": 4, "busy": 4, "layered": 3, "heavy": 4, "loud": 4, "forte": 4, "maestoso": 4,
    "con fuoco": 5, "high energy": 4, "bombastic": 5, "thunderous": 5, "thundering": 5, "huge": 5, "full orchestra": 4,
    "relentless": 5, "brutal": 5, "pounding": 5, "explosive": 5, "massive": 5, "ferocious": 5, "all out": 5,
    "fortissimo": 5, "ff": 5, "wall of sound": 5, "full force": 5, "high intensity": 5, "climactic": 4, "furioso": 5,
    "pesante": 4, "marcato": 4, "energico": 4, "epic trailer": 5, "colossal": 5, "monumental": 5, "hard hitting": 4,
}
LOOPS = {
    phrase: "true" for phrase in (
        "loop", "looping", "loopable", "looped", "seamless", "seamless loop", "endless", "infinite loop", "loops",
        "seamlessly", "loop point", "perfect loop",
    )
} | {
    phrase: "false" for phrase in (
        "clear ending", "proper ending", "definite ending", "real ending", "final cadence", "button ending",
        "one shot", "with an ending", "with ending", "non looping", "non loop", "no loop", "hard ending", "ends with",
        "final chord", "big finish", "has an ending", "definitive ending", "strong ending", "clean ending", "stinger",
    )
}  # fmt: skip
METERS = {
    "waltz": "3/4", "waltzing": "3/4", "waltz time": "3/4", "triple meter": "3/4", "triple time": "3/4",
    "triple metre": "3/4", "three four": "3/4", "three quarter time": "3/4", "minuet": "3/4", "mazurka": "3/4",
    "polonaise": "3/4", "sarabande": "3/4", "valse": "3/4", "viennese waltz": "3/4", "jazz waltz": "3/4",
    "jig": "6/8", "barcarolle": "6/8", "tarantella": "6/8", "gigue": "6/8", "six eight": "6/8", "compound time": "6/8",
    "compound meter": "6/8", "compound metre": "6/8", "sea shanty": "6/8", "slip jig": "9/8", "nine eight": "9/8",
    "polka": "2/4", "two four": "2/4", "cut time": "2/4", "galop": "2/4", "quick march": "2/4",
    "five four": "5/4", "quintuple meter": "5/4", "quintuple time": "5/4", "seven eight": "7/8", "odd meter": "7/8",
    "odd metre": "7/8", "odd time": "7/8", "odd time signature": "7/8", "asymmetric meter": "7/8",
    "septuple meter": "7/8", "twelve eight": "12/8", "siciliana": "12/8", "siciliano": "12/8", "slow blues": "12/8",
    "four four": "4/4", "common time": "4/4", "straight time": "4/4",
}

# Phrases that hold a listed word but mean something else.
NEUTRAL = (
    "no nonsense", "not only", "not just", "no matter", "no doubt", "no longer", "no less", "taking the lead",
    "take the lead", "in the background", "warm up", "rock solid", "still life", "non stop", "fast food", "rock bottom",
    "piano forte", "dark matter", "love to", "i love", "high quality", "well known", "full length", "full version",
    "sound design", "sound effects", "sound effect", "pop up", "in full", "heavy use", "rich in", "soft launch",
    "action rpg", "role playing", "in action", "space for", "room for", "kick in", "kicks in", "beat em up",
    "hit point",
    "string of", "key art", "light up", "at least", "in short", "early access", "fun to", "wide open", "cut scenes",
)

_KITS = ("drums", "brushes", "rock drums", "electronic drums", "techno drums", "trap drums", "breakbeat drums",
         "chip drums", "orchestral drums", "hand drums", "taiko")  # fmt: skip
FAMILIES: dict[str, tuple[str, ...]] = {
    "drums": _KITS, "percussion": (*_KITS, "percussion", "timpani"),
    "rhythm section": (*_KITS, "bass", "picked bass", "slap bass", "upright bass"),
    "electronic drums": ("electronic drums", "techno drums", "trap drums", "breakbeat drums", "chip drums"),
    "kick": ("techno drums", "electronic drums", "trap drums", "drums", "rock drums"),
    "brass": ("brass", "low brass", "trumpet", "muted trumpet", "horn", "trombone"),
    "strings": ("strings", "short strings", "pizzicato strings", "tremolo strings", "violin", "viola", "cello",
                "contrabass"),
    "bass": ("bass", "picked bass", "slap bass", "upright bass", "synth bass", "acid bass", "sub bass", "reese bass",
             "triangle bass"),
    "piano": ("piano",), "keyboard": ("piano", "electric piano", "clavinet", "harpsichord", "organ", "rock organ"),
    "guitar": ("acoustic guitar", "steel guitar", "electric guitar", "muted guitar", "distorted guitar"),
    "electric guitar": ("electric guitar",), "acoustic guitar": ("acoustic guitar",),
    "synth": ("synth bass", "acid bass", "sub bass", "reese bass", "synth lead", "supersaw", "synth pad", "glass pad",
              "dark drone", "synth brass", "pluck", "square lead", "triangle bass"),
    "woodwind": ("flute", "recorder", "oboe", "clarinet", "bassoon", "saxophone", "whistle", "bagpipes"),
    "vocals": ("choir", "solo voice"),
    "mallet": ("marimba", "xylophone", "vibraphone", "glockenspiel"),
    "bell": ("bell", "tubular bells", "glockenspiel"),
}  # fmt: skip
"""What a negated word rules out, where that is more than the instrument of its name."""
_FAMILY_NAMES = {
    "vocal": "vocals", "voice": "vocals", "singing": "vocals", "singer": "vocals", "choir": "vocals", "sung": "vocals",
    "lead vocal": "vocals", "solo voice": "vocals", "synthesizer": "synth", "synthesiser": "synth",
    "woodwinds": "woodwind", "wind instrument": "woodwind", "kick drum": "kick", "beat": "drums", "drum": "drums",
}

LOOSE = frozenset({"beat", "beats", "drumming", "percussive", "light percussion"})
"""Words that ask for players in passing: `drumless lo-fi beat` still has no drums."""
_EXCLUDING_PHRASES = {
    "drumless": "drums", "beatless": "percussion", "instrumental": "vocals", "acapella": "rhythm section",
    "a cappella": "rhythm section", "unplugged": "synth", "purely instrumental": "vocals",
    "instrumental only": "vocals", "voiceless": "vocals",
}
_KEYBOARD_WORDS: dict[str, tuple[str, ...]] = {"keyboards": ("piano", "electric piano"), "keys": ("piano",
"electric piano"),
                   "keyboard": ("piano", "electric piano")}  # fmt: skip

NOT_DONE: dict[str, str] = {}
"""What music can do and this program does not: phrase -> what happens instead."""
_NOT_DONE = (
    ("fade out, fades out, fading out, fadeout, fade in, fades in, fading in, fade, fades, fade away, al niente",
     "a piece ends or loops, it never fades"),
    ("accelerando, accelerate, accelerates, accelerating, speeding up, speeds up, speed up, getting faster, "
     "ritardando, "
     "rallentando, rit, slowing down, slows down, getting slower, tempo change, tempo changes, fermata, stringendo, "
     "rubato, tempo rubato, free time, free tempo", "the tempo is steady throughout"),
    ("lyrics, rapping, rapper, spoken word, spoken, narration, autotune, verses with words, sung words",
     "nothing is sung with words"),
    ("key change, key changes, modulation, modulates, modulating, truck driver modulation", "a piece keeps its key"),
    ("higher, high register, higher register, upper register, octave up, octave higher, higher pitched, high pitched, "
     "lower, low register, lower register, octave down, octave lower, lower pitched, low pitched, deeper, "
     "deep register",
     "the register follows the instruments"),
    ("diminuendo, decrescendo, dying away, morendo", "the form decides where it grows quieter"),
    ("vinyl, vinyl crackle, tape crackle, tape hiss, tape, tape wobble, tape saturation, cassette, hiss, bitcrushed, "
     "sidechain, sidechained, sidechain compression, compressed, distortion, overdrive, phaser, flanger, "
     "chorus effect, "
     "autopan, stereo, wide stereo, mono, reverb, reverberant, reverbed, echo, echoes, delay, dry, wet, saturated, "
     "big reverb, lots of reverb", "the genre decides on room and effects"),
    ("whole tone, whole tone scale, atonal, twelve tone, serialist, serialism, chromatic, microtonal, quarter tone, "
     "bitonal, polytonal", "the nearest listed mode is used"),
    ("polyrhythm, polyrhythmic, polymeter, hemiola, mixed meter, changing meter", "one meter holds throughout"),
)
for _wishes, _reason in _NOT_DONE:
    NOT_DONE |= {wish: _reason for wish in _wishes.split(", ")}

_MODE_NAMES: dict[str, tuple[str, ...]] = {
    "aeolian": ("minor",), "ionian": ("major",), "natural minor": ("minor",), "melodic minor": ("minor",),
    "pentatonic": ("major pentatonic",), "pentatonic scale": ("major pentatonic",),
    "pentatonic minor": ("minor pentatonic",), "pentatonic major": ("major pentatonic",),
    "blues scale": ("minor pentatonic",), "minor blues": ("minor pentatonic",), "diminished scale": ("octatonic",),
    "half whole scale": ("octatonic",), "octatonic scale": ("octatonic",), "phrygian dominant": ("phrygian",),
    "spanish scale": ("phrygian",), "hijaz": ("phrygian",), "gypsy minor": ("harmonic minor",),
    "hungarian minor": ("harmonic minor",), "modal": ("dorian",), "middle eastern": ("phrygian",),
    "arabic": ("phrygian",), "oriental": ("phrygian",), "byzantine": ("phrygian",), "egyptian": ("phrygian",),
    "chinese": ("major pentatonic",), "asian": ("minor pentatonic",), "japanese": ("minor pentatonic",),
    "far eastern": ("minor pentatonic",),
}


@cache
def excluding() -> dict[str, tuple[str, ...]]:
    """Phrases that exclude by themselves (`drumless`), and what they exclude."""
    return {phrase: FAMILIES[family] for phrase, family in _EXCLUDING_PHRASES.items()}


@cache
def lookup(table: str) -> Mapping[str, tuple[str, ...]]:
    """Phrase (lower case, spaces for hyphens) to published words, for `genre`, `mood`, `instrument` or `mode`."""
    if table == "genre":
        return _one_word(_GENRES, GENRES)
    if table == "mood":
        return {word: (nearest(place),) for word, place in PLANE.items()} | _one_word(_MOODS, MOODS)
    if table == "mode":
        return {mode: (mode,) for mode in MODES if mode not in ("major", "minor")} | _MODE_NAMES
    return _instruments()


def _instruments() -> dict[str, tuple[str, ...]]:
    singular: dict[str, tuple[str, ...]] = {name: (name,) for name in INSTRUMENTS}
    singular |= {phrase: (name,) for name, line in _INSTRUMENTS.items() for phrase in phrases_in(line)}
    singular |= {phrase: tuple(names.split(", ")) for names, line in _GROUPS.items() for phrase in phrases_in(line)}
    singular |= {"guitar": ("acoustic guitar",)} | _KEYBOARD_WORDS
    plurals = {plural(phrase): names for phrase, names in singular.items()}
    return plurals | {name: (name,) for name in INSTRUMENTS} | singular


def mood_of(word: str) -> str:
    """The published mood that a word of the plane is heard as."""
    return lookup("mood")[word][0]


def family(phrase: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """What "no <phrase>" rules out, where the phrase names the instruments `names`."""
    for name in (phrase, phrase.removesuffix("s")):
        if _FAMILY_NAMES.get(name, name) in FAMILIES:
            return FAMILIES[_FAMILY_NAMES.get(name, name)]
    if "synth lead" in names and "synth pad" in names:
        return FAMILIES["synth"]
    if names == ("flute", "oboe", "clarinet"):
        return FAMILIES["woodwind"]
    return FAMILIES.get(names[0], names) if phrase in INSTRUMENTS or names[0] in ("drums", "percussion") else names


def plural(phrase: str) -> str:
    """The English plural of a phrase's last word; a word that is plural already is left alone."""
    if phrase.endswith("ss") or phrase.endswith(("sh", "ch", "x")):
        return phrase + "es"
    if phrase.endswith("y") and phrase[-2:-1] not in "aeiou":
        return phrase[:-1] + "ies"
    return phrase if phrase.endswith("s") and not phrase.endswith("bass") else phrase + "s"


def named(table: str, text: str) -> tuple[str, ...]:
    """The published words that `text` as a whole names, or nothing: how explicit fields accept synonyms."""
    return lookup(table).get(" ".join(text.casefold().replace("-", " ").replace("_", " ").split()), ())


def _one_word(table: dict[str, str], published: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    entries: dict[str, tuple[str, ...]] = {name.replace("-", " "): (name,) for name in published}
    return {phrase: (name,) for name, line in table.items() for phrase in phrases_in(line)} | entries


def phrases_in(line: str) -> list[str]:
    """The phrases of a row that are separated by commas."""
    return [phrase.strip() for phrase in line.split(",") if phrase.strip()]
