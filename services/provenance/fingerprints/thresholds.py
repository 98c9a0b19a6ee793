"""When is a sound the same sound? Every threshold, each with the figures it rests on; nothing else decides.

Measured with `python -m tests.benchmarks.calibrate`: the example briefs composed with two seeds each, 84 takes and 70
minutes that share one sound bank; crops of 10 s. To be measured anew when the composer or chromaprint changes. "Bits"
is the share of equal bits of two fingerprints, "waveforms" the whitened cross-correlation of two sounds.
"""

# TRACE, first look: bits over the best `WINDOW` words (10 s and less), from `CANDIDATE` on.
# Copies: MP3 64k, 22 kHz, Ogg, Opus, AAC, +-gain, 8 kHz, noise 0.93 to 0.99; equaliser and echo 0.74 to 0.80.
# No copies: another catalog 0.77; the same cue with another seed 0.95, which is why bits alone decide nothing.
WINDOW = 64
FEWEST_WORDS = 3  # of overlap that say anything: 3 s of sound
CANDIDATE = 0.72

# TRACE, verdict: waveforms over up to `CORRELATED_S` seconds.
# Copies: as above 0.71 to 0.97; equaliser and echo from 0.66. No copies: at most 0.49, and 0.20 in another catalog.
# Not recognised: another tempo or speed (0.23 at +2 %).
CORRELATED_S = 10.0
SAME_SOUND = 0.60

# TRACE, where no master can be read: bits over a whole window. Copies 0.93 to 0.99, no copies at most 0.96.
ALONE = 0.975

# NEAR-DUPLICATES in a catalog: bits over the whole overlap of two takes, which is at least `OVERLAP` of the shorter.
# The same cue with other words 0.875, with another seed 0.83; another cue with the same theme 0.63.
OVERLAP = 0.7
NEAR_DUPLICATE = 0.93

# TOO CLOSE to a reference: bits over the best `REFERENCE_WORDS` words (10 s). Another catalog of the same genre 0.84.
REFERENCE_WORDS = 60
NEAR_REFERENCE = 0.90
