"""Writes placement.json: which tensors onnxruntime's quantize_static quantizes, in one small model for each operator.

Run: python placement.py > placement.json (onnxruntime 1.32, numpy, onnx). In a case `a` comes either from an Add, which
is quantized, or from a Tanh, which is not; the operator reads it, and a Tanh behind makes the model's output. `quantized`
gives every tensor that has a quantizer the first that has the very same one. A ReLU or Clip that the tool removes leaves
its output to the operator before.
"""

import json
import os
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

onnxruntime.set_default_logger_severity(4)
SHAPE = [1, 2, 4, 4]
FLOATS = {
    "w": [2, 2, 1, 1], "b": [2], "one": [1], "k": SHAPE, "table": [3, 4], "m": [4, 4], "row": [4],
    "scales": [4], "roi": [0], "zero": [1],
}  # fmt: skip
INTEGERS = {
    "shape": [1, 2, 16], "axes": [0], "pads": [0, 0, 1, 0, 0, 0, 0, 0], "starts": [0], "ends": [1], "k1": [1],
    "indices": [[0, 1]], "at": [[[[0, 1, 0, 1]]]], "axis": 1, "halves": [1, 1],
}  # fmt: skip

# Operator, what it reads, how many outputs, whole-number attributes, other attributes, first opset, last opset.
OPERATORS = [
    ("Conv", "a w", 1, {}, {}, 9, 17),
    ("Conv", "a w b", 1, {}, {}, 13, 17),
    ("ConvTranspose", "a w b", 1, {}, {}, 13, 17),
    ("Gemm", "g m row", 1, {}, {}, 13, 17),
    ("Gemm", "g m", 1, {"transB": 1}, {}, 13, 17),
    ("MatMul", "a m", 1, {}, {}, 13, 17),
    ("MatMul", "m a", 1, {}, {}, 13, 17),
    ("MatMul", "a x", 1, {}, {}, 13, 17),
    ("Add", "a x", 1, {}, {}, 13, 17),
    ("Add", "a k", 1, {}, {}, 13, 17),
    ("Mul", "a x", 1, {}, {}, 13, 17),
    ("Sub", "a x", 1, {}, {}, 13, 17),
    ("Div", "a k", 1, {}, {}, 13, 17),
    ("Max", "a x", 1, {}, {}, 13, 17),
    ("Concat", "a x k", 1, {"axis": 1}, {}, 13, 17),
    ("Softmax", "a", 1, {}, {}, 13, 17),
    ("Sigmoid", "a", 1, {}, {}, 13, 17),
    ("LeakyRelu", "a", 1, {}, {}, 13, 17),
    ("Relu", "a", 1, {}, {}, 13, 17),
    ("Clip", "a one", 1, {}, {}, 13, 17),
    ("Elu", "a", 1, {}, {}, 13, 17),
    ("Abs", "a", 1, {}, {}, 13, 17),
    ("GlobalAveragePool", "a", 1, {}, {}, 13, 17),
    ("AveragePool", "a", 1, {}, {"kernel_shape": [2, 2]}, 13, 17),
    ("MaxPool", "a", 1, {}, {"kernel_shape": [2, 2]}, 11, 11),
    ("MaxPool", "a", 1, {}, {"kernel_shape": [2, 2]}, 12, 12),
    ("ReduceMean", "a", 1, {}, {"axes": [1]}, 13, 17),
    ("ArgMax", "a", 1, {"axis": 1}, {}, 13, 17),
    ("CumSum", "a axis", 1, {}, {}, 14, 17),
    ("InstanceNormalization", "a b b", 1, {}, {}, 13, 17),
    ("BatchNormalization", "a b b b v", 1, {}, {}, 14, 15),
    ("LayerNormalization", "a row row", 1, {}, {}, 17, 17),
    ("Reshape", "a shape", 1, {}, {}, 13, 17),
    ("Transpose", "a", 1, {}, {}, 13, 17),
    ("Flatten", "a", 1, {}, {}, 13, 17),
    ("Squeeze", "a axes", 1, {}, {}, 13, 17),
    ("Unsqueeze", "a axes", 1, {}, {}, 13, 17),
    ("Slice", "a starts ends", 1, {}, {}, 13, 17),
    ("TopK", "a k1", 2, {}, {}, 13, 17),
    ("Resize", "a scales", 1, {}, {}, 10, 10),
    ("Resize", "a roi scales", 1, {}, {}, 11, 11),
    ("Resize", "a  scales", 1, {}, {}, 13, 17),
    ("Split", "a", 2, {"axis": 1}, {}, 13, 17),
    ("Pad", "a pads", 1, {}, {}, 13, 17),
    ("Pad", "a pads zero", 1, {}, {}, 13, 17),
    ("Pad", "a pads one", 1, {}, {}, 13, 17),
    ("Gather", "a indices", 1, {"axis": 3}, {}, 13, 17),
    ("Gather", "table i", 1, {}, {}, 13, 17),
    ("GatherElements", "a at", 1, {"axis": 1}, {}, 13, 17),
    ("Where", "c a x", 1, {}, {}, 13, 17),
    ("Where", "c a k", 1, {}, {}, 13, 17),
]


def nodes_of(case_op, first, opset):
    """The nodes: [operator, inputs, outputs, whole-number attributes, other attributes]."""
    op, reads, outputs, whole, other = case_op
    reads = reads.split(" ")
    nodes = [["Add", ["x", "x"], ["a"], {}, {}] if first == "Add" else ["Tanh", ["x"], ["a"], {}, {}]]
    # Gemm wants a matrix.
    if "g" in reads:
        nodes = [["Reshape", ["x", "matrix"], ["f"], {}, {}], [nodes[0][0], ["f"] * len(nodes[0][1]), ["g"], {}, {}]]
    if "c" in reads:
        nodes.append(["Greater", ["x", "k"], ["c"], {}, {}])
    if "i" in reads:
        nodes.append(["Cast", ["x"], ["i"], {"to": TensorProto.INT64}, {}])
    made = ["y"] if outputs == 1 else ["y", "y1"]
    nodes.append([op, reads, made, whole, other])
    if op == "ArgMax":
        nodes.append(["Cast", ["y"], ["z"], {"to": TensorProto.FLOAT}, {}])
    else:
        nodes.append(["Tanh", ["y"], ["z"], {}, {}])
    return nodes


def constants_of(nodes):
    read = {name for node in nodes for name in node[1]}
    random = np.random.default_rng(1)
    floats = {n: random.uniform(-1, 1, s).astype(np.float32) for n, s in FLOATS.items() if n in read}
    for name, value in {"one": [1.0], "zero": [0.0], "scales": [1, 1, 2, 2]}.items():
        if name in floats:
            floats[name] = np.array(value, np.float32)
    if "v" in read:
        floats["v"] = np.array([1, 2], np.float32)
    integers = {n: np.array(v, np.int64) for n, v in {**INTEGERS, "matrix": [8, 4]}.items() if n in read}
    # A fill is a scalar.
    for name in ("one", "zero"):
        if name in floats:
            floats[name] = floats[name].reshape(())
    return floats, integers


class Reader(CalibrationDataReader):
    def __init__(self):
        random = np.random.default_rng(2)
        self.rest = [{"x": random.uniform(-2, 3, SHAPE).astype(np.float32)} for _ in range(2)]

    def get_next(self):
        return self.rest.pop() if self.rest else None


def quantized(model, names):
    """Of each tensor that has a quantizer the first of `names` that has the same."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("float.onnx", "quantized.onnx")]
        onnx.save(model, paths[0])
        quantize_static(
            *paths,
            Reader(),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
        )
        graph = onnx.load(paths[1]).graph
    scale_of = {}
    for node in graph.node:
        if node.op_type == "QuantizeLinear":
            scale_of[node.input[0]] = node.input[1]
        elif node.op_type == "DequantizeLinear" and node.input[0].endswith("_quantized"):
            scale_of[node.input[0].removesuffix("_quantized")] = node.input[1]
    found, first = {}, {}
    for name in names:
        if name in scale_of:
            found[name] = first.setdefault(scale_of[name], name)
    unknown = set(scale_of) - set(names)
    assert not unknown, unknown
    return found


def case(operator, first, opset):
    *case_op, _, _ = operator
    nodes = nodes_of(case_op, first, opset)
    floats, integers = constants_of(nodes)
    graph = helper.make_graph(
        [helper.make_node(op, i, o, name=f"n_{o[0]}", **whole, **other) for op, i, o, whole, other in nodes],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(v, n) for n, v in {**floats, **integers}.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    names = ["x"] + [name for node in nodes for name in node[2]] + list(floats)
    values = lambda array: [round(float(x), 3) for x in array.ravel()]
    return {
        "opset": opset,
        "floats": {n: {"shape": list(v.shape), "values": values(v)} for n, v in floats.items()},
        "integers": list(integers),
        "nodes": [[op, reads, made, whole] for op, reads, made, whole, _ in nodes],
        "quantized": quantized(model, names),
    }


def main():
    cases = []
    for operator in OPERATORS:
        for first in ("Add", "Tanh"):
            for opset in sorted({operator[-2], operator[-1]}):
                cases.append(case(operator, first, opset))
    print("[" + ",\n".join(json.dumps(case) for case in cases) + "]")


main()
