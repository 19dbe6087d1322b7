"""Writes groups.json: what stock onnxruntime makes of weights that are quantized in blocks along one axis.

Run: python groups.py > groups.json (onnxruntime 1.32, numpy, onnx). Scales and zero-points of the blocks are those of
onnxruntime's compute_scale_zp; codes are QuantizeLinear's and outputs DequantizeLinear's, with block_size (opset 21),
without graph optimization. 4-bit codes also pass DequantizeLinear from packed raw_data, as an export has them. Floats
are written as their 32 bits. `accepted` rows are [length, block_size, number of scales, whether onnxruntime runs it].
`tool_…` are what its quantization tool chooses for whole blocks (compute_scale_zp_blocked, matrices only).
"""

import json

import numpy as np
import onnxruntime
from onnx import TensorProto, helper
from onnxruntime.quantization.quant_utils import compute_scale_zp, compute_scale_zp_blocked, get_qmin_qmax_for_qType

LEVELS = {"INT4": (-8, 7), "UINT4": (0, 15), "INT8": (-128, 127), "UINT8": (0, 255), "INT16": (-32768, 32767)}
NUMPY = {"INT8": np.int8, "UINT8": np.uint8, "INT16": np.int16}


def packed(codes):
    nibbles = (codes.ravel() & 15).astype(np.uint8)
    nibbles = np.append(nibbles, np.zeros(nibbles.size % 2, np.uint8))
    return (nibbles[0::2] | nibbles[1::2] << 4).tobytes()


def integers(name, kind, codes):
    raw = packed(codes) if kind in ("INT4", "UINT4") else codes.astype(NUMPY[kind]).tobytes()
    return helper.make_tensor(name, getattr(TensorProto, kind), codes.shape, raw, raw=True)


def floats(name, values):
    return helper.make_tensor(name, TensorProto.FLOAT, values.shape, values.astype(np.float32).tobytes(), raw=True)


def run(nodes, inputs, output, initializers):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, v.shape) for name, v in inputs.items()],
        [helper.make_tensor_value_info(output[0], output[1], None)],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    return session.run(None, inputs)[0]


def quantize(x, kind, scales, zeros, axis, block):
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], axis=axis, block_size=block),
        helper.make_node("Cast", ["q"], ["i"], to=TensorProto.INT32),
    ]
    return run(nodes, {"x": x}, ("i", TensorProto.INT32), [floats("s", scales), integers("z", kind, zeros)])


def dequantize(codes, kind, scales, zeros, axis, block):
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"], axis=axis, block_size=block),
        # An output cannot be a constant's without optimization, and + 0 would hide a −0.
        helper.make_node("Where", ["c", "d", "x"], ["y"]),
    ]
    initializers = [integers("q", kind, codes), floats("s", scales), integers("z", kind, zeros)]
    initializers.append(helper.make_tensor("c", TensorProto.BOOL, [1], [True]))
    return run(nodes, {"x": np.zeros(1, np.float32)}, ("y", TensorProto.FLOAT), initializers)


def bits(values):
    return np.ascontiguousarray(values, np.float32).view(np.uint32).ravel().tolist()


def case(rng, kind, symmetric, shape, axis, block):
    x = (rng.normal(size=shape) * 10 ** rng.uniform(-2, 1, shape)).astype(np.float32)
    x.ravel()[:3] = 0  # a block of zeros, where the first block is as short as that
    q_min, q_max = get_qmin_qmax_for_qType(getattr(TensorProto, kind), symmetric=symmetric)
    starts = list(range(0, shape[axis], block))
    blocks = [x.take(range(s, min(s + block, shape[axis])), axis=axis) for s in starts]
    low, high = (np.stack([f(b, axis=axis) for b in blocks], axis=axis) for f in (np.min, np.max))
    made = [compute_scale_zp(a, b, q_min, q_max, symmetric=symmetric) for a, b in zip(low.ravel(), high.ravel())]
    scales = np.array([np.asarray(s) for _, s in made], np.float32).reshape(low.shape)
    zeros = np.array([int(z) for z, _ in made]).reshape(low.shape)
    tool = {}
    if len(shape) == 2:
        tool_zeros, tool_scales = compute_scale_zp_blocked(x, getattr(TensorProto, kind), axis, block, symmetric)
        tool = {"tool_scales": bits(tool_scales), "tool_zero_points": tool_zeros.astype(int).ravel().tolist()}
    # Values beyond the range, and no numbers: the parameters stay those of the weight.
    x.ravel()[-4:] = [np.inf, -np.inf, np.nan, 1e30]
    codes = quantize(x, kind, scales, zeros, axis, block)
    output = dequantize(codes, kind, scales, zeros, axis, block)
    row = {"type": kind, "symmetric": symmetric, "shape": shape, "axis": axis, "block": block}
    row |= {"low": bits(low), "high": bits(high), "scales": bits(scales), "zero_points": zeros.ravel().tolist()}
    row |= {"input": bits(x), "codes": codes.ravel().tolist(), "output": bits(output)}
    row |= tool
    if kind in ("INT4", "UINT4"):
        row["packed"] = packed(codes).hex()
    return row


def refused(length, block, count):
    try:
        dequantize(np.zeros((2, length), int), "INT8", np.ones((2, count)), np.zeros((2, count), int), 1, block)
    except Exception:
        return True
    return False


def main():
    rng = np.random.default_rng(7)
    cases = []
    for kind in LEVELS:
        for symmetric in (True, False):
            for shape, axis, block in [
                ((9, 4), 0, 3),  # MatMul or Gemm
                ((4, 10), 1, 4),  # Gemm with transB; the last block is short
                ((3, 5, 2, 2), 1, 2),  # Conv
                ((2, 6, 3), 1, 16),  # batched MatMul; one block, longer than the axis
                ((5, 1), 0, 1),
            ]:
                cases.append(case(rng, kind, symmetric, shape, axis, block))
    counts = [(10, 4, n) for n in (2, 3, 4, 10)] + [(8, 4, n) for n in (1, 2, 3)] + [(6, 16, n) for n in (1, 2)]
    rows = [[length, block, n, not refused(length, block, n)] for length, block, n in counts]
    lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
    print(f'{{"onnxruntime":"{onnxruntime.__version__}","accepted":{json.dumps(rows)},"cases":[\n{lines}\n]}}')


main()
