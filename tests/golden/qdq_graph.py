"""Reads a QDQ model: which activations and which weights carry quantizers, and with what numbers.

Knows nothing of either tool's naming: a pair is found by its nodes, and the tensor it belongs to by following names
that the float model has. Used by independent.py and peer_scales.py.
"""

import numpy as np
import onnx
from onnx import numpy_helper

ACTIVATIONS = ("Relu", "Clip", "BatchNormalization")


class QdqGraph:
    """A model's nodes by what they make and read, and its constants."""

    def __init__(self, path):
        self.model = onnx.load(path)
        self.graph = self.model.graph
        self.constants = {t.name: t for t in self.graph.initializer}
        self.maker = {name: node for node in self.graph.node for name in node.output}
        self.operands = {}
        self.readers = {}
        for node in self.graph.node:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)

    def value(self, name):
        """A constant as an array; int4 comes as int8."""
        return np.asarray(numpy_helper.to_array(self.constants[name]))

    def activations(self, float_names):
        """tensor of the float model -> (name its consumers read, scale, zero-point)."""
        found = {}
        for node in self.graph.node:
            if node.op_type != "DequantizeLinear" or node.input[0] not in self.maker:
                continue
            quantize = self.maker[node.input[0]]
            source = quantize.input[0]
            if source in self.maker and self.maker[source].op_type == "Clip" and source not in float_names:
                source = self.maker[source].input[0]
            tensor = node.output[0] if node.output[0] in float_names else source
            if tensor in float_names:
                zero_point = int(self.value(node.input[2]).astype(np.int32))
                found.setdefault(tensor, (node.output[0], float(self.value(node.input[1])), zero_point))
        return found

    def row_of(self, node):
        """The last tensor of a computing node's row: past batch norm, activation and quantizer, to a common name.

        With symmetric activations onnxruntime's tool puts a pair of its own before a ReLU or Clip; the row goes on behind.
        """
        name = node.output[0]
        while True:
            after = self.readers.get(name, [])
            behind = after
            while len(behind) == 1 and behind[0].op_type in ("QuantizeLinear", "DequantizeLinear"):
                behind = self.readers.get(behind[0].output[0], [])
            if len(after) == 1 and len(behind) == 1 and behind[0].op_type in ("Relu", "Clip"):
                name = behind[0].output[0]
                continue
            if len(after) != 1 or after[0].op_type not in ACTIVATIONS or after[0].input[0] != name:
                return name
            name = after[0].output[0]

    def weights(self):
        """(row's tensor, position) -> (integers, scales, zero-points) of every constant behind a DequantizeLinear.

        Integers keep their type: int32 is a bias.
        A row's tensor is what the computing node, its batch norm and its activation make in the end.
        """
        found = {}
        for node in self.graph.node:
            if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
                continue
            for position, name in enumerate(node.input):
                source = self.maker.get(name)
                if source is None or source.op_type != "DequantizeLinear" or source.input[0] not in self.constants:
                    continue
                codes, scale = self.value(source.input[0]), self.value(source.input[1])
                zero_point = self.value(source.input[2]) if len(source.input) > 2 else np.zeros_like(scale)
                key = (self.common(self.row_of(node)), position)
                self.operands[key] = name
                found[key] = (
                    codes,
                    scale.reshape(-1),
                    zero_point.reshape(-1).astype(np.int64),
                )
        return found

    def is_shared(self, tensor, position):
        """Whether the constant at this place of [`QdqGraph.weights`] is read by other operators too."""
        name = self.operands[(tensor, position)]
        return len({reader.op_type for reader in self.readers[name]}) > 1

    def common(self, name):
        """A row's name in both tools' exports: past the quantizer where the tensor's own name stands behind it."""
        for quantize in self.readers.get(name, []):
            if quantize.op_type == "QuantizeLinear":
                for dequantize in self.readers.get(quantize.output[0], []):
                    if dequantize.output[0] in {o.name for o in self.graph.output}:
                        return dequantize.output[0]
        return name


def float_tensors(path):
    """Names of all inputs and node outputs of a float model."""
    graph = onnx.load(path).graph
    constants = {t.name for t in graph.initializer}
    names = {i.name for i in graph.input if i.name not in constants}
    return names | {name for node in graph.node for name in node.output if name}
