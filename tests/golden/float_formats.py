"""Writes float_formats.json: what stock onnxruntime makes of values in float16, bfloat16 and the two float8 formats.

Run: python float_formats.py > float_formats.json (onnxruntime 1.32, numpy, onnx). The 16-bit formats are a pair of Cast,
the 8-bit ones QuantizeLinear → DequantizeLinear with zero-point 0 and saturate = 1, without graph optimization; with
full optimization the bits are the same, which this script asserts. Floats are written as their 32 bits.

`exhaustive` rows hold the SHA-256 of the output (little-endian float32) for every float32 whose low 12 bits are 0, 1 or
all ones: all values of every format, all ties between them and the next float32 to both sides. `decoded` rows hold the
same for all codes of a format. In float16 the payload of a NaN survives in some places of a tensor and not in others;
here each NaN is replaced by the quiet one of its sign before hashing.
"""

import hashlib
import json

import numpy as np
import onnxruntime
from onnx import TensorProto, helper

FORMATS = {
    "float16": (TensorProto.FLOAT16, 65504.0, 16.0),
    "bfloat16": (TensorProto.BFLOAT16, 3.3895313892515355e38, 0.0),
    "float8e4m3": (TensorProto.FLOAT8E4M3FN, 448.0, 16.0),
    "float8e5m2": (TensorProto.FLOAT8E5M2, 57344.0, 4096.0),
}
LEVELS = [
    onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
    onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
]


def run(nodes, inputs, initializers=()):
    graph = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, v.shape) for name, v in inputs.items()],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        list(initializers),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    outputs = []
    for level in LEVELS:
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = level
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
        outputs.append(session.run(None, inputs)[0].ravel())
    plain, optimized = map(canonical, outputs)
    assert (plain.view(np.uint32) == optimized.view(np.uint32)).all(), "optimization changes bits"
    return plain


def canonical(values):
    bits = values.view(np.uint32).copy()
    nan = np.isnan(values)
    bits[nan] = bits[nan] & 0x80000000 | 0x7FC00000
    return bits.view(np.float32)


def round_trip(name, x, scale, axis=None):
    kind, _, _ = FORMATS[name]
    if not name.startswith("float8"):
        pair = [helper.make_node("Cast", ["x"], ["q"], to=kind), helper.make_node("Cast", ["q"], ["y"], to=TensorProto.FLOAT)]
        return run(pair, {"x": x})
    scale = np.asarray(scale, np.float32)
    attributes = {} if axis is None else {"axis": axis}
    pair = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], saturate=1, **attributes),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"], **attributes),
    ]
    zero = helper.make_tensor("z", kind, scale.shape, bytes(scale.size), raw=True)
    return run(pair, {"x": x, "s": scale}, [zero])


def decode(name, scale):
    """All codes, from an initializer as an export writes it."""
    kind, _, _ = FORMATS[name]
    bits = 8 if name.startswith("float8") else 16
    raw = np.arange(2**bits, dtype=f"<u{bits // 8}").tobytes()
    codes = helper.make_tensor("q", kind, [2**bits], raw, raw=True)
    # An output cannot be a constant's without optimization.
    choose = helper.make_node("Where", ["c", "d", "x"], ["y"])
    true = helper.make_tensor("c", TensorProto.BOOL, [1], [True])
    x = np.zeros(1, np.float32)
    if bits == 16:
        return run([helper.make_node("Cast", ["q"], ["d"], to=TensorProto.FLOAT), choose], {"x": x}, [codes, true])
    zero = helper.make_tensor("z", kind, [], b"\0", raw=True)
    node = helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"])
    return run([node, choose], {"x": x, "s": np.asarray(scale, np.float32)}, [codes, true, zero])


def digest(values):
    return hashlib.sha256(values.astype("<f4").tobytes()).hexdigest()


def bits(values):
    return np.ascontiguousarray(values, np.float32).view(np.uint32).ravel().tolist()


def probes(name, scale, rng):
    _, largest, half_step = FORMATS[name]
    ends = np.float32([largest, largest + half_step]) * np.float32(scale)
    near = np.concatenate([ends, np.nextafter(ends, np.float32(0)), np.nextafter(ends, np.float32(np.inf))])
    odd = np.float32([0, 1e-45, 1e-40, 1e-30, 1, 3.4e38, np.inf, np.nan])
    tiny = np.float32(2.0) ** np.float32([-6, -9, -10, -14, -16, -17, -24, -25, -26]) * np.float32(scale)
    with np.errstate(over="ignore"):
        random = (rng.normal(size=24) * 10 ** rng.uniform(-6, 6, 24) * scale).astype(np.float32)
    half = np.concatenate([near, odd, tiny, random]).astype(np.float32)
    return np.concatenate([half, -half])


def main():
    rng = np.random.default_rng(11)
    with np.errstate(over="ignore", invalid="ignore"):
        high = np.arange(2**20, dtype=np.uint32) << 12
        every = (high[:, None] + np.uint32([0, 1, 0xFFF])).ravel().view(np.float32)
        exhaustive, decoded, cases, channels = [], [], [], []
        for name in FORMATS:
            scales = [1.0] if not name.startswith("float8") else [1.0, 0.1, 2.0**-10, 3.3e-5, 2.0**-126, 1e36, 7e4]
            for scale in map(np.float32, scales):
                exhaustive.append([name, bits(scale)[0], digest(round_trip(name, every, scale))])
                decoded.append([name, bits(scale)[0], digest(decode(name, scale))])
                x = probes(name, scale, rng)
                y = round_trip(name, x, scale)
                # The same values at every offset of a vector register: tails are no special case.
                for shift in range(1, 5):
                    assert bits(round_trip(name, x[shift:], scale)) == bits(y[shift:])
                cases.append({"format": name, "scale": bits(scale)[0], "input": bits(x), "output": bits(y)})
            if name.startswith("float8"):
                for axis in range(3):
                    x = rng.normal(size=(3, 4, 5)).astype(np.float32)
                    scale = (10 ** rng.uniform(-4, 0, x.shape[axis])).astype(np.float32)
                    y = round_trip(name, x, scale, axis)
                    row = {"format": name, "shape": x.shape, "axis": axis, "scales": bits(scale)}
                    channels.append(row | {"input": bits(x), "output": bits(y)})
    parts = [f'"onnxruntime":"{onnxruntime.__version__}"']
    for key, rows in [("exhaustive", exhaustive), ("decoded", decoded), ("cases", cases), ("channels", channels)]:
        lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
        parts.append(f'"{key}":[\n{lines}\n]')
    print("{" + ",\n".join(parts) + "}")


main()
