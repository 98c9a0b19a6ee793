"""Whether a plain classifier, taught by the composer's takes, hears in other takes which state they are for.

Features are statistics of mel cepstra, their change, level-free spectral shape and onsets; the classifier is logistic
regression with a quadratic penalty, solved here with scipy, so that a run needs no library beside the program's own.
The benchmarks' report has a classifier of its own (librosa, scikit-learn), whose figures are not these. Nothing here
renders or judges.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BANDS, CEPSTRA = 40, 16
PENALTY = 1.0
Floats = NDArray[np.float64]


def features(mono: NDArray[np.float32], rate: int) -> Floats:
    """A vector for a sound of one channel; its level changes nothing."""
    from scipy.fft import dct

    from services.mastering.listening.spectra import mel_power

    level = float(np.sqrt(np.mean(np.square(mono)))) or 1.0
    frames = mel_power((mono / np.float32(level)).astype(np.float32), rate, BANDS)
    power = np.asarray(frames.values, dtype=np.float64)
    logs = np.log(power + 1e-8)
    cepstra = dct(logs, axis=1, norm="ortho")[:, :CEPSTRA]
    rises = np.maximum(np.diff(logs, axis=0), 0).mean(axis=1) if len(logs) > 1 else np.zeros(1)
    peaks = float(np.mean(rises > rises.mean() + rises.std())) * frames.per_second
    shares = power.sum(axis=0) / max(power.sum(), 1e-12)
    centre = float((shares * np.arange(BANDS)).sum())
    spread = float(np.sqrt((shares * (np.arange(BANDS) - centre) ** 2).sum()))
    moves = np.abs(np.diff(cepstra, axis=0)).mean(axis=0) if len(cepstra) > 1 else np.zeros(CEPSTRA)
    return np.concatenate([
        cepstra[:, 1:].mean(axis=0), cepstra.std(axis=0), moves,
        [centre, spread, peaks, float(rises.mean()), float(rises.std())],
    ])  # fmt: skip


@dataclass(frozen=True)
class Classifier:
    """Weights [features + 1, states] on standardised features."""

    states: tuple[str, ...]
    mean: Floats
    scale: Floats
    weights: Floats

    def tell(self, rows: Sequence[Floats]) -> list[str]:
        """The likeliest state of each row."""
        scores = _with_one((np.vstack(rows) - self.mean) / self.scale) @ self.weights
        return [self.states[number] for number in scores.argmax(axis=1)]


def taught(rows: Sequence[Floats], states: Sequence[str]) -> Classifier | None:
    """A classifier of at least two states; None where there are fewer."""
    from scipy.optimize import minimize

    names = tuple(sorted(set(states)))
    if len(names) < 2:
        return None
    table = np.vstack(rows)
    mean, scale = table.mean(axis=0), table.std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1.0)
    inputs = _with_one((table - mean) / scale)
    wanted = np.array([[float(state == name) for name in names] for state in states])
    shape = (inputs.shape[1], len(names))

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(shape)
        scores = inputs @ weights
        scores -= scores.max(axis=1, keepdims=True)
        logs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        slope = inputs.T @ (np.exp(logs) - wanted)
        slope[:-1] += PENALTY * weights[:-1]  # the last row is what every state begins from
        value = -(wanted * logs).sum() + 0.5 * PENALTY * np.square(weights[:-1]).sum()
        return float(value), slope.ravel()

    found = minimize(loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return Classifier(names, mean, scale, found.x.reshape(shape))


def _with_one(table: Floats) -> Floats:
    return np.hstack([table, np.ones((len(table), 1))])
