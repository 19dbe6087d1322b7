"""Writes tensorrt_flavour.json: thresholds of the TensorRT-style entropy search, by NumPy and SciPy.

Run: python tensorrt_flavour.py > tensorrt_flavour.json (numpy, scipy). The search of ModelOpt 0.47 and
pytorch-quantization written anew, candidate by candidate and with scipy.stats.entropy, on tensors made of integers so
that the test can make the same ones. For each number of levels: the chosen threshold and every 160th divergence
(`null` where it is no number).
"""

import json
import warnings

import numpy as np
from scipy.stats import entropy

BINS, START = 2048, 128


def even(n, k):
    """n numbers in [0, 1) of an even distribution, by integers."""
    return np.array([(i * k) % 1_000_003 / 1_000_003 for i in range(n)], dtype=np.float64)


def bell(n):
    return even(n, 618_033) + even(n, 754_877) + even(n, 569_840) + even(n, 324_717) - 2.0


def tensors():
    x = bell(20_000)
    heavy = 2.0 * even(20_000, 618_033) - 1.0
    outliers = x.copy()
    outliers[::4001] *= 10.0
    two = np.where(np.arange(1000) % 10 == 0, 2.0, -1.0)
    return {
        "bell": x,
        "heavy": heavy * heavy * heavy * heavy * heavy * 9.0,
        "relu": np.maximum(x, 0.0),
        "outliers": outliers,
        "uniform": even(20_000, 754_877),
        "constant": np.full(100, 3.25),
        "two values": two,
        "hundred values": x[:100],
    }


def histogram(values):
    """torch.histc(|x|, 2048, 0, max) and its edges, in float32."""
    magnitude = np.abs(values.astype(np.float32))
    amax = magnitude.max()
    places = (magnitude * np.float32(BINS) / amax).astype(np.int64)
    places[places == BINS] -= 1
    step = amax / np.float32(BINS)
    index = np.arange(BINS + 1, dtype=np.float32)
    edges = np.where(index < (BINS + 1) // 2, step * index, amax - step * (np.float32(BINS) - index))
    return np.bincount(places, minlength=BINS), edges.astype(np.float32)


def divergence(bins, kept, levels):
    """KL of the reference with its outliers folded in and the kept bins spread evenly within each level."""
    level = np.digitize(np.arange(kept), np.linspace(0, kept, levels + 1)) - 1
    filled = bins[:kept] > 0
    mass = np.bincount(level[filled], weights=bins[:kept][filled], minlength=levels)
    members = np.bincount(level[filled], minlength=levels)
    spread = np.zeros(kept)
    spread[filled] = (mass / np.maximum(members, 1))[level[filled]]
    reference = bins[:kept].astype(np.float64)
    reference[-1] += bins[kept:].sum()
    return entropy(reference, spread)


def search(counts, edges, levels):
    bins = counts.copy()
    bins[0] = bins[1]
    costs = np.array([divergence(bins, kept, levels) for kept in range(START, BINS + 1)])
    last = len(costs) - 1 - np.argmin(costs[::-1])
    sampled = [None if np.isnan(c) else ("inf" if np.isinf(c) else float(c)) for c in costs[::160]]
    return {"threshold": float(edges[last + START]), "costs": sampled}


def main():
    warnings.simplefilter("ignore")
    result = {}
    for name, values in tensors().items():
        counts, edges = histogram(values)
        result[name] = {str(levels): search(counts, edges, levels) for levels in (8, 128, 256)}
    print(json.dumps(result, indent=1))


main()
