"""The interval that `analysis/src/compare/bootstrap.rs` must find: the same draws, the sums and the quantile by NumPy.

The second line is the interval that 200,000 resamples of NumPy's own generator give: the draws do not decide it.
"""

import numpy as np

MASK = (1 << 64) - 1
SAMPLES = 8
SIGNAL = 10.0 + np.arange(SAMPLES)
WAS = np.array([1.0, 2.0, 0.5, 4.0, 1.5, 0.25, 3.0, 1.0])
NOW = np.array([0.9, 2.5, 0.4, 2.0, 1.6, 0.2, 2.8, 1.3])


def split_mix_64(state):
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        yield z ^ (z >> 31)


def interval(draws):
    signal = SIGNAL[draws].sum(1)
    difference = 10 * np.log10(signal / NOW[draws].sum(1)) - 10 * np.log10(signal / WAS[draws].sum(1))
    return [float(end) for end in np.quantile(difference, [0.025, 0.975])]


random = split_mix_64(0)
print(interval(np.array([[(next(random) * SAMPLES) >> 64 for _ in range(SAMPLES)] for _ in range(1000)])))
print(interval(np.random.default_rng(1).integers(0, SAMPLES, (200_000, SAMPLES))))
