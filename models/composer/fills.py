"""The vocabulary of the drummers: voices and their keys, fills and builds as rows of sixteenths. Plain data.

A fill is the end of a 4/4 bar: a fill of half a bar plays its last eight steps, whatever the meter, so that it always
leads into the next downbeat. Marks as in the genres' rows (`models.composer.drums`).
"""

# fmt: off
KEYS = {
    "soft kick": 35, "kick": 36, "rim": 37, "snare": 38, "clap": 39, "brush": 40, "second snare": 40, "low tom": 41,
    "hat": 42, "floor tom": 43, "pedal hat": 44, "mid tom": 45, "open hat": 46, "high tom": 48, "crash": 49, "ride": 51,
    "china": 52, "bell": 53, "tambourine": 54, "splash": 55, "cowbell": 56, "second crash": 57, "second ride": 59,
    "high bongo": 60, "low bongo": 61, "high conga": 62, "open conga": 63, "low conga": 64, "agogo": 67,
    "low agogo": 68, "cabasa": 69, "shaker": 70, "guiro": 73, "claves": 75, "block": 76, "low block": 77,
    "muted triangle": 80, "triangle": 81,
}
# fmt: on
"""Voices and their General MIDI percussion keys."""

Fill = dict[str, str]

# fmt: off
FILLS: dict[str, tuple[Fill, ...]] = {
    "toms": (
        {"snare": "x.x.xxxxxx......", "high tom": "..........xx....",
         "mid tom": "............xx..", "floor tom": "..............xx"},
        {"snare": "x..x..x.x..x....", "high tom": ".x..x...........",
         "mid tom": "..........x..x..", "floor tom": "............x..X"},
        {"high tom": "x.xx....x.xx....", "mid tom": "....x.xx....xx..",
         "floor tom": "..............xX", "snare": "X.......X......."},
        {"snare": "X.gxX.gxX.......", "high tom": ".........xx.....",
         "mid tom": "...........xx...", "floor tom": ".............xxx"},
    ),
    "snare": (
        {"snare": "x...x...x.x.x.xx", "kick": "x...........x..."},
        {"snare": "....x..x..x.xxxx", "kick": "x.x...x........."},
        {"snare": "x..x..x.x..x.xxX", "kick": "..x..x...x......"},
    ),
    "flams": (
        {"snare": "X...X...f.f.f.xX", "floor tom": "..x...x........."},
        {"snare": "f..xf..xf..xf.xx", "kick": "x.......x......."},
        {"snare": "X.ggX.ggX.f.X.f.", "floor tom": "...........x..x."},
    ),
    "roll": (
        {"snare": "x.x.x.x.4.4.6.6."},
        {"snare": "X.ggx.ggX.3.4.4."},
        {"snare": "X...3.3.3.3.4.X."},
        {"snare": "X.3.x.3.X.3.3.X."},
    ),
    "brush": (
        {"brush": "x.....x.x..x....", "snare": "...g..g.....x.gx"},
        {"snare": "....g..x..x.gx.x", "kick": "x......g........"},
        {"snare": "x..x..x..x..x.x.", "floor tom": "...............g"},
        {"high tom": "........x..g....", "snare": "....g.......x.g.", "floor tom": "..............x."},
    ),
    "rim": (
        {"rim": "x..x..x.x..x....", "snare": "............x.gx"},
        {"rim": "......x...x..x..", "high conga": "............x.xx"},
        {"rim": "x.x..x..x..x..x.", "snare": "..............gx"},
    ),
    "stutter": (
        {"kick": "x.x...xxx..x..x.", "snare": "....X..X..X.Xgxx"},
        {"snare": "X..X..X.X.XX4.4.", "kick": ".x..x..x........"},
        {"kick": "x..x..x.........", "snare": "....X..g.XgXgXXX", "open hat": "..............x."},
        {"snare": "..X..X..X..X.4..", "kick": "X..X..X..X......"},
    ),
    "stop": (
        {"kick": "X..X............", "open hat": "............X..."},
        {"snare": "X.......X.......", "kick": "x..x..x........."},
        {"clap": "............X.X.", "kick": "X.......x......."},
    ),
    "claps": (
        {"clap": "....x.......x.xx"},
        {"clap": "....x..x..x.x.xx"},
        {"clap": "....x...x.x.xxxx", "open hat": "..x...x........."},
    ),
    "hats": (
        {"hat": "x.x.3.x.4.3.4.8.", "snare": "........x......."},
        {"hat": "3.3.4.4.x.......", "snare": "....X.......4.6.", "kick": "..x...x........."},
        {"hat": "x.4.x.3.3.4.8.8."},
    ),
    "hands": (
        {"low tom": "x..x..x.x..x..x.", "high tom": "..x..x.x.xx.xxxx"},
        {"low tom": "X.....x.X.......", "high tom": "...xx..x...xx.xx"},
        {"low tom": "X...X...X...X.X.", "high tom": "..xx..xx..3...4."},
    ),
    "double": (
        {"kick": "xxxxxxxxxxxxxxxx", "snare": "X...X...X...X.XX"},
        {"kick": "x.xxx.xxx.xxx.xx", "high tom": "x...x...........",
         "mid tom": "........x...x...", "snare": "............X.XX"},
        {"snare": "XxxxXxxx........", "high tom": "........Xxxx....",
         "floor tom": "............Xxxx", "kick": "x...x...x...x..."},
    ),
}
# fmt: on
"""Kinds of fills, the variants of each."""

BUILDS: dict[str, tuple[str, ...]] = {
    "roll": ("snare",),
    "claps": ("clap", "snare"),
    "toms": ("floor tom", "mid tom"),
    "cymbal": ("ride",),
    "kicks": ("kick", "snare"),
    "hands": ("low tom",),
}
"""What grows through a section that builds: quarters, then eighths, sixteenths and thirty-seconds of these voices."""
