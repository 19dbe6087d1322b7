"""Writes fake_quantize.json: what stock onnxruntime makes of edge values in [Clip →] QuantizeLinear → DequantizeLinear.

Run: python fake_quantize.py > fake_quantize.json (onnxruntime 1.32, numpy, onnx). Floats are written as their 32 bits.
The Clip stands before grids narrower than their container, bounds (q_min-Z)*S and (q_max-Z)*S in float32.
"""

import json

import numpy as np
import onnxruntime
from onnx import TensorProto, helper

TYPES = {
    (8, True): (TensorProto.INT8, np.int8),
    (8, False): (TensorProto.UINT8, np.uint8),
    (16, True): (TensorProto.INT16, np.int16),
    (16, False): (TensorProto.UINT16, np.uint16),
}


def run(values, scale, zero_point, q_min, q_max, signed):
    container = 16 if max(abs(q_min), q_max) > 255 or (signed and q_max > 127) else 8
    onnx_type, np_type = TYPES[container, signed]
    info = np.iinfo(np_type)
    clip = q_min > info.min or q_max < info.max
    initializers = [
        helper.make_tensor("s", TensorProto.FLOAT, [], [float(scale)]),
        helper.make_tensor("z", onnx_type, [], [zero_point]),
    ]
    nodes = []
    if clip:
        low = np.float32(q_min - zero_point) * scale
        high = np.float32(q_max - zero_point) * scale
        initializers.append(helper.make_tensor("low", TensorProto.FLOAT, [], [float(low)]))
        initializers.append(helper.make_tensor("high", TensorProto.FLOAT, [], [float(high)]))
        nodes.append(helper.make_node("Clip", ["x", "low", "high"], ["c"]))
    nodes.append(helper.make_node("QuantizeLinear", ["c" if clip else "x", "s", "z"], ["q"]))
    nodes.append(helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"]))
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None])],
        [
            helper.make_tensor_value_info("q", onnx_type, [None]),
            helper.make_tensor_value_info("y", TensorProto.FLOAT, [None]),
        ],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    q, y = session.run(None, {"x": values})
    return q.astype(np.int64), y


def probes(scale, zero_point, q_min, q_max, rng):
    """Ties and their neighbours, both ends of the grid, and numbers nobody expects."""
    s = np.float32(scale)
    first, last = q_min - zero_point, q_max - zero_point
    inner = [k for k in (-2, -1, 0, 1, 2, 3) if first <= k <= last]
    ties = [np.float32(k + 0.5) * s for k in inner + [first - 1, first, last - 1, last]]
    near = [np.nextafter(t, np.float32(d)) for t in ties[:4] for d in (-np.inf, np.inf)]
    odd = [0.0, -0.0, 1e-40, -1e-40, 1e-30, -0.3 * s, 3.4e38, -3.4e38, np.inf, -np.inf, np.nan, -np.nan]
    random = rng.uniform((first - 2) * float(s), (last + 2) * float(s), 12)
    with np.errstate(over="ignore"):
        return np.array([*ties, *near, *odd, *random], np.float32)


def main():
    rng = np.random.default_rng(20)
    cases = []
    for bits, signed, narrow, scale, zero_point in [
        (8, True, False, 0.02, 0),
        (8, True, False, 0.1, -128),
        (8, True, False, 1.1754944e-38, 3),
        (8, True, False, 1e36, 0),
        (8, True, True, 0.037, 0),
        (8, False, False, 0.02352941, 128),
        (8, False, False, 3.3e-5, 0),
        (16, True, False, 1.7e-4, -11),
        (16, True, True, 0.3, 0),
        (16, False, False, 1e-3, 40000),
        (16, False, False, 0.7, 65535),
        (2, True, False, 0.9, 0),
        (3, True, False, 0.31, -4),
        (4, True, False, 0.123, 7),
        (5, True, True, 0.77, 0),
        (6, False, False, 0.05, 20),
        (7, False, False, 0.013, 127),
        (2, False, False, 3e37, 1),
    ]:
        scale = np.float32(scale)
        if signed:
            q_max = 2 ** (bits - 1) - 1
            q_min = -q_max if narrow else -q_max - 1
        else:
            q_min, q_max = 0, 2**bits - 1
        x = probes(scale, zero_point, q_min, q_max, rng)
        q, y = run(x, scale, zero_point, q_min, q_max, signed)
        # The same values at every offset of a vector register give the same codes: tails are no special case.
        for shift in range(1, 5):
            q2, y2 = run(x[shift:], scale, zero_point, q_min, q_max, signed)
            assert (q2 == q[shift:]).all() and (y2.view(np.uint32) == y[shift:].view(np.uint32)).all()
        case = {"bits": bits, "signed": signed, "narrow": narrow, "scale": int(scale.view(np.uint32)), "zero_point": zero_point}
        case["input"] = x.view(np.uint32).tolist()
        case["codes"] = q.tolist()
        case["output"] = y.view(np.uint32).tolist()
        cases.append(case)
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    print(f'{{"onnxruntime":"{onnxruntime.__version__}","cases":[\n{lines}\n]}}')


main()
