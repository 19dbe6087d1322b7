"""NumPy's rates for the work of kernels.rs, on one thread: lines of name, tab, million elements a second.

Usage: numpy_kernels.py ELEMENTS RUNS. Each is written the fastest way NumPy offers without losing what is asked for;
the best of RUNS is printed.
"""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import sys
import time

import numpy as np

elements, runs = int(sys.argv[1]), int(sys.argv[2])
values = (np.random.default_rng(0).random((4, elements), np.float32).sum(0) - 2) * np.float32(3**0.5)
amax = float(np.abs(values).max())
scale = np.float32(amax / 127)
out = np.empty_like(values)


def measure(name, work, runs=runs):
    work()
    best = float("inf")
    for _ in range(runs):
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    print(f"{name}\t{elements / best / 1e6:.1f}", flush=True)


def fake(source, target):
    np.divide(source, scale, out=target)
    np.rint(target, out=target)
    np.clip(target, np.float32(-128), np.float32(127), out=target)
    np.multiply(target, scale, out=target)


def sums(f, q):
    f, q = f.astype(np.float64), q.astype(np.float64)
    e = q - f
    a = np.abs(e)
    return f.sum(), f @ f, q.sum(), q @ q, f @ q, e.sum(), e @ e, a.sum(), a.max()


measure("copy", lambda: np.copyto(out, values))
measure("fake", lambda: fake(values, out))
measure("fake in place", lambda: fake(out, out))
fake(values, out)
few = max(runs // 6, 3)
measure("sums", lambda: sums(values, out), few)
measure("minmax", lambda: (values.min(), values.max()))
measure("histogram 8192", lambda: np.histogram(values, bins=8192, range=(-amax, amax)), few)
rectified = np.maximum(values, np.float32(0))
measure("histogram 8192 after ReLU", lambda: np.histogram(rectified, bins=8192, range=(-amax, amax)), few)
measure("histogram 256", lambda: np.histogram(values, bins=256, range=(-amax, amax)), few)
