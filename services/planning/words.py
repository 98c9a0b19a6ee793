"""The published words of an order: what music is for, what it is delivered as, and the musical lists beside them.

Briefs, the published schema and `cueworks words` read the same tuples, so a word is accepted everywhere or nowhere.
Nothing here parses anything.
"""

from models import words as music

USES = (
    "internal-prototype", "commercial-game", "trailer", "music-library", "broadcast", "content-id", "advertising",
    "podcast",
)
FORMATS = ("wav", "flac", "ogg", "mp3")
KINDS = ("music", "stinger", "transition")
SHARES = ("theme", "key", "tempo-grid", "instruments")
LICENSEES = ("company", "individual", "academic")
SAMPLE_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 176400, 192000)
MP3_MAX_RATE = 48000  # ISO/IEC 11172-3 and 13818-3 know no higher rate


def words() -> dict[str, tuple[str, ...]]:
    """Every published list by its name, as `cueworks words` prints them."""
    return {
        "states": music.STATES,
        "genres": music.GENRES,
        "moods": music.MOODS,
        "instruments": music.INSTRUMENTS,
        "tonics": music.TONICS,
        "modes": music.MODES,
        "meters": music.METERS,
        "layers": music.LAYERS,
        "kinds": KINDS,
        "stingers": music.STINGERS,
        "uses": USES,
        "licensees": LICENSEES,
        "formats": FORMATS,
        "shares": SHARES,
        "sample_rates": tuple(str(rate) for rate in SAMPLE_RATES),
    }
