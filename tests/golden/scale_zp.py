"""Writes scale_zp.json: scale and zero-point of onnxruntime 1.32's compute_scale_zp for ranges ordinary and odd.

Run: python scale_zp.py > scale_zp.json. A row is [low, high, then (scale, zero-point) for each of `types`, affine and
symmetric in turn]; floats are written as their 32 bits. `grid_rows` have the same for each of `grids`, [q_min, q_max],
that onnxruntime has no type for: narrow, odd widths and reduced ranges.
"""

import json

import numpy as np
from onnx import TensorProto
from onnxruntime.quantization.quant_utils import compute_scale_zp, get_qmin_qmax_for_qType

TYPES = ["UINT8", "INT8", "INT16", "UINT16", "INT4", "UINT4"]
GRIDS = [(-127, 127), (-32767, 32767), (-7, 7), (-1, 1), (-2, 1), (-4, 3), (-16, 15), (-32, 31), (-64, 63)]
GRIDS += [(0, 3), (0, 7), (0, 31), (0, 63), (0, 127)]
TINY, MAX = np.finfo(np.float32).tiny, np.finfo(np.float32).max


def ranges():
    rng = np.random.default_rng(1)
    yield from [(-1, 3), (0, 6), (-6, 0), (2, 6), (-6, -2), (-1, 1), (-0.1, 0.5), (0, 0), (0, 1e-40), (-1e-40, 1e-45)]
    yield from [(-0.5, 254.5), (-1.5, 253.5), (-2.5, 252.5), (-0.5, 14.5), (-7.5, 7.5), (-1e-3, 1e5), (-1e5, 1e-3)]
    yield from [(-MAX, MAX), (-MAX, 0), (0, MAX)]
    for levels in (7.5, 15, 127, 127.5, 255, 32767, 32767.5, 65535):
        edge = np.float32(levels * float(TINY))
        yield from [(0, edge), (0, np.nextafter(edge, np.float32(0))), (-edge, 0), (-edge, edge)]
    for _ in range(20):
        exact = np.float32(rng.integers(1, 400) / 10)
        yield -exact, np.float32(rng.integers(1, 400) / 10)
    for _ in range(60):
        ends = rng.normal(size=2) * 10 ** rng.uniform(-6, 6, 2)
        yield min(ends), max(ends)
    for _ in range(12):
        ends = abs(rng.normal(size=2)) * 10 ** rng.uniform(-40, -35, 2)
        yield -ends[0], ends[1]


def of_type(name, symmetric):
    return get_qmin_qmax_for_qType(getattr(TensorProto, name), symmetric=symmetric)


def of_grid(grid, _symmetric):
    return np.array(grid[0], np.int32), np.array(grid[1], np.int32)


def row(low, high, kinds, ends):
    low, high = np.array(low, np.float32), np.array(high, np.float32)
    values = [int(low.view(np.uint32)), int(high.view(np.uint32))]
    for kind in kinds:
        for symmetric in (False, True):
            q_min, q_max = ends(kind, symmetric)
            zero_point, scale = compute_scale_zp(low, high, q_min, q_max, symmetric=symmetric)
            values += [int(np.asarray(scale, np.float32).view(np.uint32)), int(zero_point)]
    return values


def table(kinds, ends, every):
    return ",\n".join(json.dumps(row(*r, kinds, ends), separators=(",", ":")) for r in list(ranges())[::every])


types, grids = table(TYPES, of_type, 1), table(GRIDS, of_grid, 2)
print(f'{{"types":{json.dumps(TYPES)},"rows":[\n{types}\n],')
print(f'"grids":{json.dumps(GRIDS)},"grid_rows":[\n{grids}\n]}}')
