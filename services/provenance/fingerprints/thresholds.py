"""When is a sound the same sound? Every threshold, each with the figures it rests on; nothing else decides.

Measured with `python -m tests.benchmarks.calibrate`. To be calibrated anew when the composer or chromaprint changes.
"""

# TRACE, first look. Share of equal bits between a piece of a file and a take, over the best `WINDOW` words (8 s).
WINDOW = 64
FEWEST_WORDS = 3  # of overlap that say anything: 3 s of sound
CANDIDATE = 0.72

# TRACE, verdict. Correlation of the two waveforms over up to `CORRELATED_S` seconds, whitened, 150 to 2500 Hz.
CORRELATED_S = 10.0
SAME_SOUND = 0.60

# TRACE without the master at hand: bits alone, over a whole window. A returning theme comes close to it.
ALONE = 0.975

# NEAR-DUPLICATES in a catalog: share of equal bits over the whole overlap of two takes, which is most of the shorter.
OVERLAP = 0.7
NEAR_DUPLICATE = 0.93

# TOO CLOSE to a reference: share of equal bits over the best `REFERENCE_WORDS` words (10 s).
REFERENCE_WORDS = 60
NEAR_REFERENCE = 0.90
