"""The grammar of chords as tables: functions, cadences, sequences and related areas of every mode.

Numerals are those of `theory`; a bass that is not the root stands after a colon: `:3`, `:5`, `:7` a member of the
chord, `:T` and `:D` a pedal on the tonic or the dominant. Weights follow what the corpora and textbooks of each idiom
say (major and minor: Aldwell and Schachter, Harmony and Voice Leading; modes: Vincent, The Diatonic Modes in Modern
Music; Persichetti, Twentieth-Century Harmony). Nothing here draws or decides.
"""

Weighted = tuple[tuple[str, float], ...]
Formula = tuple[str, ...]


def _pairs(row: str) -> Weighted:
    words = row.split()
    return tuple((words[place], float(words[place + 1])) for place in range(0, len(words), 2))


def _formulas(row: str) -> tuple[tuple[Formula, float], ...]:
    """`ii:3 V I = 3; IV V I = 2` as formulas with weights (1 where none is given)."""
    found = []
    for item in row.split(";"):
        chords, _, weight = item.partition("=")
        found.append((tuple(chords.split()), float(weight or 1)))
    return tuple(found)


# Tonic, predominant and dominant chords of every mode, each with its weight. The first tonic is the mode's own.
_WORDS: dict[str, dict[str, str]] = {
    "major": {"T": "I 6 vi 2", "P": "IV 4 ii 3 vi 1", "D": "V 5 V7 2 iii 0.4 vii° 0.5"},
    "minor": {"T": "i 6 VI 1.5 III 1", "P": "iv 4 VI 2.5 ii° 0.6", "D": "VII 3 V 2.5 v 1.5 V7 0.8"},
    "dorian": {"T": "i 6 III 1", "P": "IV 4 ii 1.5 III 1", "D": "VII 3 v 2 IV 1.5"},
    "phrygian": {"T": "i 6 VI 1", "P": "iv 3 VI 3 III 0.8", "D": "II 5 vii 2"},
    "lydian": {"T": "I 6 vi 0.7", "P": "II 4 vi 2 iii 1", "D": "II 3 V 2.5 vii 1"},
    "mixolydian": {"T": "I 6", "P": "IV 4 ii 2 vi 1", "D": "VII 4 v 2 IV 0.7"},
    "locrian": {"T": "i° 6", "P": "iv 2 VI 2 iii 1.5", "D": "II 2 V 1.5 vii 2"},
    "harmonic minor": {"T": "i 6 VI 1", "P": "iv 4 VI 2 ii° 0.6", "D": "V 5 V7 2 vii° 0.8"},
    "major pentatonic": {"T": "I 6 vi 2", "P": "vi 3 IIsus4 3 VIsus4 1", "D": "Vsus4 3 Vsus2 3 V5 1 III7sus4 0.6"},
    "minor pentatonic": {"T": "i 6 III 2", "P": "IVsus4 3 IVsus2 2 III 2 IV5 1", "D": "VIIsus4 3 VIIsus2 2 V7sus4 2"},
    "octatonic": {"T": "i 6 I 1", "P": "III 3 VI 3 vi 1 iii 1", "D": "IV 3 ii° 3 vii° 2 iv 1"},
}
GRAMMAR: dict[str, dict[str, Weighted]] = {
    mode: {function: _pairs(row) for function, row in functions.items()} for mode, functions in _WORDS.items()
}

_CADENCES: dict[str, dict[str, str]] = {
    "major": {
        "authentic": (
            "ii:3 V I = 3; IV V I = 3; IV V7 I = 2; ii V7 I = 3; ii I:5 V I = 1.5; vi V I; ii vii°:3 I = 0.6"
        ),
        "half": "I V = 2; ii V = 2; IV V = 3; vi V; ii:3 V",
        "plagal": "vi IV I = 2; I IV I; ii IV I",
        "deceptive": "IV V vi = 3; ii V7 vi = 2; IV V IV:3",
    },
    "minor": {
        "authentic": (
            "iv V i = 2; ii°:3 V i; iv V7 i; iv i:5 V i; VI VII i = 3; iv VII i = 2; iv v i; III VII i = 1.5"
        ),
        "half": "i V; iv V; iv:3 V = 1.5; VI V; VI VII = 1.5; iv v; iv VII",
        "plagal": "VI iv i = 2; VII iv i = 2; III iv i",
        "deceptive": "iv V VI = 2; VI VII VI:3; iv VII VI = 2; iv v VI",
    },
    "dorian": {
        "authentic": "IV VII i = 3; III VII i = 2; ii VII i; IV v i = 1.5; III v i",
        "half": "i IV = 2; III IV = 2; III VII; ii v; i VII",
        "plagal": "VII IV i = 3; III IV i = 2; ii IV i",
        "deceptive": "IV VII III = 2; IV v III",
    },
    "phrygian": {
        "authentic": "iv II i = 3; III II i = 3; VI II i = 2; VI vii i; iv vii i; iv II:3 i",
        "half": "i II = 2; iv II = 2; VI II; VI vii; iv vii",
        "plagal": "VI iv i = 2; III iv i; VI vii i",
        "deceptive": "iv II VI = 2; III II VI; iv vii VI",
    },
    "lydian": {
        "authentic": "vi II I = 3; iii II I = 3; II V I = 2; vi II:3 V I; vii V I",
        "half": "I II = 3; vi II = 2; II V; iii II; vi V",
        "plagal": "iii II I = 2; vi II I = 2; V II:3 I",
        "deceptive": "II V vi = 2; II V iii; vi II vi:3",
    },
    "mixolydian": {
        "authentic": "IV VII I = 3; VII IV I = 1; v VII I = 2; ii VII I = 2; IV v I = 1.5",
        "half": "I VII = 2; IV VII = 2; I v = 2; ii v; vi VII",
        "plagal": "VII IV I = 4; vi IV I; ii IV I",
        "deceptive": "IV VII vi = 2; ii v vi; IV VII IV:3",
    },
    "locrian": {
        "authentic": "VI II i° = 2; iii II i° = 2; iv vii i°; VI V i°",
        "half": "i° II = 2; VI V; iv vii; iii II",
        "plagal": "VI iv i° = 2; iii iv i°",
        "deceptive": "VI II VI:3; iv V VI",
    },
    "harmonic minor": {
        "authentic": "iv V i = 3; ii°:3 V i = 2; iv V7 i = 2; VI V i = 2; iv i:5 V i; iv vii°:3 i; VI V7 i",
        "half": "i V; iv V = 2; iv:3 V = 2; VI V = 2; ii°:3 V",
        "plagal": "VI iv i = 3; i iv i",
        "deceptive": "iv V VI = 3; ii°:3 V VI; iv V7 VI",
    },
    "major pentatonic": {
        "authentic": "IIsus4 Vsus4 I = 2; vi Vsus4 I = 2; vi Vsus2 I = 2; IIsus4 Vsus2 I = 2; vi V5 I",
        "half": "I Vsus4 = 2; vi Vsus2 = 2; IIsus4 Vsus4 = 2; I Vsus2",
        "plagal": "IIsus4 vi I = 2; Vsus4 VIsus4 I; vi IIsus4 I",
        "deceptive": "IIsus4 Vsus2 vi = 2; IIsus4 Vsus4 vi",
    },
    "minor pentatonic": {
        "authentic": (
            "IVsus4 VIIsus4 i = 2; III VIIsus2 i = 3; IVsus2 V7sus4 i = 2; III VIIsus4 i; IVsus4 VIIsus2 i = 2"
        ),
        "half": "i VIIsus4 = 2; IVsus4 V7sus4 = 2; III VIIsus2 = 2; i V7sus4",
        "plagal": "III IVsus4 i = 2; VIIsus2 IVsus2 i = 2; III IVsus2 i",
        "deceptive": "IVsus4 VIIsus2 III = 2; IVsus2 V7sus4 III",
    },
    "octatonic": {
        "authentic": "III ii° i = 3; VI IV i = 2; III IV i = 3; VI vii° i = 2; vi iv i; iii ii° i",
        "half": "i IV = 2; VI ii° = 2; III IV = 2; i vii°",
        "plagal": "IV VI i = 2; IV III i = 2; VI III i",
        "deceptive": "VI ii° III = 2; III IV VI = 2",
    },
}
CADENCES: dict[str, dict[str, tuple[tuple[Formula, float], ...]]] = {
    mode: {kind: _formulas(row) for kind, row in kinds.items()} for mode, kinds in _CADENCES.items()
}

_MAJOR_SEQUENCES = (
    "I IV vii° iii vi ii V I; iii vi ii V I IV vii°:3 I; I V vi iii IV I IV V; I V:3 vi iii:3 IV I:3 ii V;"
    "I vi:3 ii vii°:3 iii I:3 IV V; I vi IV ii V I; I:3 IV ii:3 V I; I V:5 I:3 IV ii:3 V;"
    "I:T IV:T V:T I:T; I:T ii:T V:T I; I:D IV:D V I:5 V; I V:3 vi I:5 IV I:3 ii:3 V"
)
_MINOR_SEQUENCES = (
    "i iv VII III VI ii°:3 V i; i iv VII III VI iv V i; i v VI III iv i iv V; i v:3 iv:3 V i; i VII VI V;"
    "i v:3 VI III:3 iv i:3 ii°:3 V; i VI:3 ii°:3 VII:3 III i:3 iv V; i VI iv ii°:3 V i; i V:5 i:3 iv V;"
    "i:T iv:T VII:T i:T; i:T VI:T iv:T i; i VII:3 III VI:3 iv V; i VII VI VII"
)
_SEQUENCES: dict[str, str] = {
    "major": _MAJOR_SEQUENCES,
    "minor": _MINOR_SEQUENCES,
    "harmonic minor": (
        "i iv V:3 i VI iv V i; i iv vii°:3 i:3 iv V; i V:3 iv:3 V i; i VI iv V; i:T iv:T V:T i:T; i VI iv ii°:3 V i"
    ),
    "dorian": (
        "i IV i IV; i ii III IV; i VII IV i; i IV:3 VII i; i:T IV:T VII:T i:T; i v:3 IV:3 VII; "
        "i III VII IV; i VII:3 ii:3 IV"
    ),
    "phrygian": "i II III II; iv III II i; i VI vii II; i:T II:T vii:T i:T; i vii VI II; i II:3 iv II; VI III iv II",
    "lydian": (
        "I II iii II; I:T II:T I:T II:T; I V:3 vi II:3 V; I II vi V; I vii iii vi II V I; I:T II:T V:T I; vi II I II"
    ),
    "mixolydian": "I VII IV I; I:T VII:T IV:T I:T; I v IV VII; I VII:3 IV:3 I; I ii VII I; I IV VII v; I v:3 IV VII",
    "locrian": "i° II VI II; i° iii VI II; i° vii VI V; i°:T II:T iii:T i°:T",
    "major pentatonic": (
        "I vi Vsus4 IIsus4; I:T IIsus4:T Vsus4:T I:T; I Vsus2 vi IIsus4; vi I IIsus4 Vsus4; I III7sus4 vi Vsus4"
    ),
    "minor pentatonic": (
        "i III IVsus4 VIIsus4; i:T VIIsus4:T IVsus4:T i:T; i VIIsus2 IVsus2 III; "
        "III VIIsus4 i IVsus4; i V7sus4 III IVsus4"
    ),
    "octatonic": (
        "i III IV VI; i VI IV III; i IV i IV; I III IV VI; i ii° iii IV; i vi iv iii; "
        "i:T ii°:T III:T i:T; i vii° VI ii°"
    ),
}
SEQUENCES: dict[str, tuple[Formula, ...]] = {
    mode: tuple(chords for chords, _ in _formulas(row)) for mode, row in _SEQUENCES.items()
}
"""Schemata for continuations: circles of fifths, falling thirds, rising 5-6, laments, pedals, the modes' own cycles."""

# Related areas a contrasting phrase may visit: their own tonic, predominant and dominant chords.
_AREAS: dict[str, tuple[dict[str, str], ...]] = {
    "major": (
        {"T": "vi 6 IV 1", "P": "ii 4 IV 2", "D": "iii 3 V7/vi 1.5"},
        {"T": "V 5 iii 1", "P": "vi 3 I 2 ii 1", "D": "V7/V 3 ii 2"},
        {"T": "IV 5 ii 2", "P": "ii 3 vi 2", "D": "V7/IV 2 I 2"},
    ),
    "minor": (
        {"T": "III 6 i 1", "P": "VI 3 iv 3", "D": "VII 5 V7/III 0.5"},
        {"T": "VI 4 iv 2", "P": "iv 3 ii° 1", "D": "III 3 VII 1"},
        {"T": "iv 5 VI 1", "P": "VI 3 III 1", "D": "V7/iv 1.5 i 2 VII 1"},
    ),
    "dorian": (
        {"T": "III 3 VII 3", "P": "IV 2 ii 2", "D": "VII 2 v 2"},
        {"T": "IV 4 ii 2", "P": "VII 2", "D": "i 2 v 1"},
    ),
    "phrygian": (
        {"T": "VI 4 iv 1", "P": "II 2 iv 2", "D": "III 3 vii 1"},
        {"T": "iv 4 II 2", "P": "VI 2", "D": "i 1 III 2"},
    ),
    "lydian": (
        {"T": "V 4 iii 1", "P": "vi 2 I 2", "D": "II 4"},
        {"T": "vi 4 iii 2", "P": "I 1 V 1", "D": "iii 2 vii 2"},
    ),
    "mixolydian": (
        {"T": "IV 4 ii 1", "P": "ii 2 vi 1", "D": "I 2 v 1"},
        {"T": "vi 3 ii 2", "P": "IV 2", "D": "v 1 VII 2"},
    ),
    "locrian": ({"T": "iii 3 VI 2", "P": "iv 2", "D": "V 2 vii 2"},),
    "harmonic minor": ({"T": "VI 4 iv 2", "P": "iv 3", "D": "i 2 V 1"}, {"T": "iv 4", "P": "VI 2", "D": "i 2 V7/iv 1"}),
    "major pentatonic": ({"T": "vi 5", "P": "IIsus4 2 VIsus4 1", "D": "III7sus4 2 Vsus2 1"},),
    "minor pentatonic": ({"T": "III 5", "P": "IVsus4 2", "D": "VIIsus4 2 VIIsus2 2"},),
    "octatonic": (
        {"T": "III 3 iii 2", "P": "VI 2 vi 1", "D": "ii° 2 IV 1"},
        {"T": "VI 3 vi 2", "P": "III 2", "D": "IV 2 vii° 1"},
    ),
}
AREAS: dict[str, tuple[dict[str, Weighted], ...]] = {
    mode: tuple({function: _pairs(row) for function, row in area.items()} for area in areas)
    for mode, areas in _AREAS.items()
}

BORROWED: dict[str, tuple[str, ...]] = {
    "major": ("iv", "bVI", "bVII", "ii°"),
    "minor": ("bII", "IV", "ii°"),
    "harmonic minor": ("bII", "ii°"),
    "dorian": ("ii°", "bVI", "iv"),
    "phrygian": ("v°", "bV"),
    "lydian": ("bVII", "bVI", "bIII"),
    "mixolydian": ("iv", "bVI", "bIII"),
    "locrian": ("iv", "bVI"),
}
"""Chords from the parallel and neighbouring modes that darken a phrase: modal mixture."""
