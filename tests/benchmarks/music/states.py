"""Whether a plain classifier hears what state a piece is for: logistic regression on statistics of the sound.

Takes are held out by zone: whoever is tested, no take of the same zone, theme variant, key and tempo was trained on.
Features carry no level: every recording is brought to one loudness first. This is not the classifier of
`services.training.evaluation.states`, which needs no library of its own: the report's figures rest on these features
and stay comparable from release to release.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

from tests.benchmarks.music.mix import Sound, loudness

LOUDNESS = -23.0
FOLDS = 7
_RATE = 22050
_HOP = 512


def at_one_loudness(sound: Sound, rate: int) -> Sound:
    """The recording at -23 LUFS; as it is where it is silent."""
    level = loudness(sound, rate)
    return sound * np.float32(10 ** ((LOUDNESS - level) / 20)) if np.isfinite(level) else sound


def features(sound: Sound, rate: int) -> NDArray[np.float64]:
    """Statistics of timbre (MFCC and their change, spectral shape, contrast), harmony (chroma) and onsets."""
    import librosa

    mono = at_one_loudness(sound, rate).mean(axis=0)
    low = librosa.resample(mono, orig_sr=rate, target_sr=_RATE, res_type="soxr_mq")
    spectrum = np.abs(librosa.stft(low, n_fft=2048, hop_length=_HOP))
    mel = librosa.power_to_db(librosa.feature.melspectrogram(S=spectrum**2, sr=_RATE, n_mels=64) + 1e-10)
    mfcc = librosa.feature.mfcc(S=mel, n_mfcc=20)
    onsets = librosa.onset.onset_strength(S=mel, sr=_RATE)
    chroma = librosa.feature.chroma_stft(S=spectrum**2, sr=_RATE, tuning=0.0)
    rows = np.vstack([
        mfcc, librosa.feature.spectral_contrast(S=spectrum, sr=_RATE),
        np.log(librosa.feature.spectral_centroid(S=spectrum, sr=_RATE) + 1),
        np.log(librosa.feature.spectral_rolloff(S=spectrum, sr=_RATE) + 1),
        np.log(librosa.feature.spectral_flatness(S=spectrum) + 1e-6),
        20 * np.log10(librosa.feature.rms(S=spectrum, frame_length=2048) + 1e-5),
    ])  # fmt: skip
    return np.concatenate([
        rows.mean(axis=1), rows.std(axis=1), np.abs(np.diff(mfcc, axis=1)).mean(axis=1),
        np.sort(chroma.mean(axis=1)), [np.abs(np.diff(chroma, axis=1)).mean(), chroma.std()], _pace(onsets),
    ])  # fmt: skip


def _pace(onsets: NDArray[np.float32]) -> list[float]:
    """How often and how hard notes begin, and which periods (in octaves from 0.1 s to 1.6 s) they keep."""
    struck, _ = find_peaks(onsets, height=1.5 * float(onsets.mean()), distance=2)
    shaped = onsets - onsets.mean()
    lags = np.correlate(shaped, shaped, "full")[len(shaped) - 1 :]
    lags = lags / max(float(lags[0]), 1e-9)
    edges = (np.array([0.1, 0.2, 0.4, 0.8, 1.6]) * _RATE / _HOP).astype(int)
    periods = [float(lags[low:high].max()) for low, high in zip(edges, edges[1:], strict=False) if high <= len(lags)]
    periods += [0.0] * (4 - len(periods))
    return [len(struck) * _RATE / (_HOP * len(onsets)), float(onsets.mean()), float(onsets.std()),
            float(np.percentile(onsets, 95)), *periods]  # fmt: skip


def told_apart(rows: Sequence[NDArray[np.float64]], states: Sequence[str], groups: Sequence[str]) -> list[str]:
    """What a classifier that never heard a recording's group takes each recording for."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    table, right = np.vstack(rows), np.array(states)
    told = np.array([""] * len(right), dtype=object)
    folds = GroupKFold(min(FOLDS, len(set(groups))), shuffle=True, random_state=0)
    for train, test in folds.split(table, right, groups):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=2000))
        told[test] = model.fit(table[train], right[train]).predict(table[test])
    return [str(each) for each in told]
