"""Writes integer_kernels.json: what onnxruntime's own integer kernels make of small layers, and NumPy of what they lack.

Run: python integer_kernels.py > integer_kernels.json (onnxruntime 1.32, numpy, onnx).
ConvInteger and MatMulInteger give accumulators, QLinearConv the requantized codes. Weights stay within -64..63, where no
pair of 8-bit products saturates 16 bits on a CPU without VNNI. onnxruntime has no integer Gemm with transA and an
activation on the right side, nor int16 products: those are NumPy's int64.
"""

import json

import numpy as np
import onnxruntime
from onnx import TensorProto, helper

TYPES = {np.dtype(np.uint8): TensorProto.UINT8, np.dtype(np.int8): TensorProto.INT8, np.dtype(np.int32): TensorProto.INT32}


def run(op, inputs, attributes, output_type):
    """Runs one node whose inputs are named arrays."""
    feeds = {name: value for name, value in inputs if value is not None}
    value_info = []
    for name, value in feeds.items():
        kind = TensorProto.FLOAT if value.dtype == np.float32 else TYPES[value.dtype]
        value_info.append(helper.make_tensor_value_info(name, kind, list(value.shape)))
    names = [name if value is not None else "" for name, value in inputs]
    node = helper.make_node(op, names, ["y"], **attributes)
    graph = helper.make_graph([node], "g", value_info, [helper.make_tensor_value_info("y", output_type, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, feeds)[0]


def conv_cases(rng):
    """Shapes of input and weight, and the node's attributes."""
    return [
        ([1, 3, 7, 6], [4, 3, 3, 3], {"pads": [1, 1, 1, 1]}),
        ([2, 4, 9, 9], [6, 2, 3, 3], {"group": 2, "strides": [2, 2], "pads": [0, 1, 2, 1]}),
        ([1, 6, 8, 8], [6, 1, 3, 3], {"group": 6, "pads": [1, 1, 1, 1]}),
        ([1, 4, 8, 5], [8, 1, 3, 2], {"group": 4, "strides": [1, 2]}),
        ([1, 2, 11, 12], [3, 2, 3, 3], {"dilations": [2, 3], "pads": [2, 0, 2, 3]}),
        ([1, 3, 8, 7], [2, 3, 4, 4], {"auto_pad": "SAME_UPPER", "strides": [3, 2]}),
        ([1, 3, 8, 7], [2, 3, 4, 4], {"auto_pad": "SAME_LOWER", "strides": [3, 2]}),
        ([1, 3, 8, 7], [2, 3, 4, 4], {"auto_pad": "VALID"}),
        ([1, 5, 5, 5], [7, 5, 1, 1], {}),
    ]


def codes(rng, shape, dtype, low=None, high=None):
    info = np.iinfo(dtype)
    low, high = (info.min if low is None else low), (info.max if high is None else high)
    return rng.integers(low, high + 1, shape).astype(dtype)


def conv_integer(rng):
    out = []
    for x_shape, w_shape, attributes in conv_cases(rng):
        x, w = codes(rng, x_shape, np.uint8), codes(rng, w_shape, np.uint8, 64, 191)
        zero_points = np.uint8(rng.integers(0, 256)), np.uint8(128)
        inputs = [("x", x), ("w", w), ("x_z", np.array(zero_points[0])), ("w_z", np.array(zero_points[1]))]
        y = run("ConvInteger", inputs, attributes, TensorProto.INT32)
        out.append(case(attributes, x, w, zero_points, y))
    return out


def matmul_integer(rng):
    out = []
    shapes = [([5, 8], [8, 6]), ([2, 3, 4, 7], [7, 5]), ([2, 1, 4, 7], [3, 7, 5]), ([7], [7, 3]), ([4, 7], [7])]
    for a_shape, b_shape in shapes:
        a, b = codes(rng, a_shape, np.uint8), codes(rng, b_shape, np.int8, -64, 63)
        zero_points = np.uint8(rng.integers(0, 256)), np.int8(rng.integers(-8, 8))
        inputs = [("a", a), ("b", b), ("a_z", np.array(zero_points[0])), ("b_z", np.array(zero_points[1]))]
        y = run("MatMulInteger", inputs, {}, TensorProto.INT32)
        out.append(case({}, a, b, zero_points, y))
    return out


def qlinear_conv(rng):
    out = []
    for x_shape, w_shape, attributes in conv_cases(rng):
        x, w = codes(rng, x_shape, np.int8), codes(rng, w_shape, np.int8, -64, 63)
        bias = rng.integers(-20000, 20000, w_shape[0]).astype(np.int32)
        x_scale, x_zero, y_zero = np.float32(0.037), np.int8(rng.integers(-128, 128)), np.int8(rng.integers(-64, 64))
        w_scale = rng.uniform(0.001, 0.02, w_shape[0]).astype(np.float32)
        # Large enough that most outputs are not clamped.
        y_scale = np.float32(0.5)
        inputs = [("x", x), ("x_s", np.array(x_scale)), ("x_z", np.array(x_zero)), ("w", w), ("w_s", w_scale)]
        inputs += [("w_z", np.zeros(w_shape[0], np.int8)), ("y_s", np.array(y_scale)), ("y_z", np.array(y_zero)), ("b", bias)]
        y = run("QLinearConv", inputs, attributes, TensorProto.INT8)
        found = case(attributes, x, w, (x_zero, np.int8(0)), y)
        found |= {"bias": bias.tolist(), "x_scale": float(x_scale), "w_scale": w_scale.tolist()}
        found |= {"y_scale": float(y_scale), "y_zero_point": int(y_zero)}
        out.append(found)
    return out


def gemm(rng):
    """alpha = beta = 1 in integers: A'·B' + C by NumPy."""
    out = []
    for trans_a, trans_b, constant_left, c_shape, top in [
        (0, 1, False, [5], 100),
        (1, 0, False, [4, 5], 100),
        (0, 0, True, [4, 1], 100),
        (1, 1, True, [1, 5], 100),
        (0, 0, False, [], 30000),
    ]:
        a = rng.integers(-top, top, [6, 4] if trans_a else [4, 6])
        b = rng.integers(-top, top, [5, 6] if trans_b else [6, 5])
        c = rng.integers(-9999, 9999, c_shape)
        y = (a.T if trans_a else a).astype(np.int64) @ (b.T if trans_b else b) + c
        attributes = {"transA": trans_a, "transB": trans_b, "constant_left": int(constant_left)}
        found = case(attributes, a, b, (0, 0), y)
        out.append(found | {"bias": c.reshape(-1).tolist(), "bias_shape": c_shape})
    return out


def case(attributes, x, w, zero_points, y):
    return {
        "attributes": attributes,
        "x_shape": list(x.shape),
        "x": x.reshape(-1).tolist(),
        "w_shape": list(w.shape),
        "w": w.reshape(-1).tolist(),
        "x_zero_point": int(zero_points[0]),
        "w_zero_point": int(zero_points[1]),
        "y_shape": list(y.shape),
        "y": y.reshape(-1).tolist(),
    }


def main():
    rng = np.random.default_rng(20)
    document = {
        "conv_integer": conv_integer(rng),
        "matmul_integer": matmul_integer(rng),
        "qlinear_conv": qlinear_conv(rng),
        "gemm": gemm(rng),
    }
    print(json.dumps(document, separators=(",", ":")))


main()
