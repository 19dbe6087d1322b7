"""Measures the sample's story with onnxruntime's own quantizer, which is not ours.

The default target: batch norm folded by `quant_pre_process`, then `quantize_static` with affine int8 activations, symmetric
int8 weights per tensor, int32 bias and min-max ranges over all test pictures; run without graph optimization. What is tricky:
- An error is taken between what consumers read: the DequantizeLinear output of the quantized run against the float tensor.
- Local error has no switch in onnxruntime: `keep_only` undoes all quantizers but one layer's in the quantized graph.
"""

import logging
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

logging.getLogger().setLevel(logging.ERROR)  # the quantizer logs a page of advice for every call


class _Reader(CalibrationDataReader):
    """All pictures in one batch: min-max does not depend on the batching."""

    def __init__(self, images):
        self.batches = iter([{"image": images}])

    def get_next(self):
        """The next feed, or None at the end, as onnxruntime wants it."""
        return next(self.batches, None)


class Layer:
    """A row: a computing node of the folded graph with its fused ReLU. `output` is the tensor that its consumers read."""

    def __init__(self, node, output):
        self.name, self.op, self.output, self.constants = node.name, node.op_type, output, list(node.input[1:])


def fold(path):
    """The model after onnxruntime's preprocessing (batch norms folded)."""
    with tempfile.TemporaryDirectory() as folder:
        target = str(Path(folder) / "folded.onnx")
        quant_pre_process(str(path), target)
        return onnx.load(target)


def layers_of(folded):
    """The rows of the folded graph in order; Add keeps no constants, and Flatten is data movement but a row all the same."""
    consumers = {}
    for node in folded.graph.node:
        for name in node.input:
            consumers.setdefault(name, []).append(node)
    rows = []
    for node in folded.graph.node:
        if node.op_type == "Relu":
            continue
        readers = consumers.get(node.output[0], [])
        fused = len(readers) == 1 and readers[0].op_type == "Relu"
        rows.append(Layer(node, readers[0].output[0] if fused else node.output[0]))
    constants = {i.name for i in folded.graph.initializer}
    for row in rows:
        row.constants = [c for c in row.constants if c in constants]
    return rows


def quantize(folded, images, per_channel=(), wide=(), leave=()):
    """The QDQ model. `per_channel`: weights, `wide`: tensors at unsigned 16 bits, `leave`: nodes left in float."""
    overrides = {w: [{"quant_type": QuantType.QInt8, "axis": 0, "symmetric": True}] for w in per_channel}
    overrides |= {t: [{"quant_type": QuantType.QUInt16}] for t in wide}
    with tempfile.TemporaryDirectory() as folder:
        source, target = str(Path(folder) / "in.onnx"), str(Path(folder) / "out.onnx")
        onnx.save(folded, source)
        quantize_static(
            source, target, _Reader(images), quant_format=QuantFormat.QDQ, per_channel=False,
            activation_type=QuantType.QInt8, weight_type=QuantType.QInt8, calibrate_method=CalibrationMethod.MinMax,
            nodes_to_exclude=list(leave), extra_options={"TensorQuantOverrides": overrides} if overrides else {})
        return onnx.load(target)


def _base(name):
    """The float tensor that a DequantizeLinear output stands for."""
    return name.removesuffix("_DequantizeLinear_Output")


def keep_only(quantized, folded, tensors):
    """The quantized model with only the quantizers of `tensors` (activations, weights, biases) left acting."""
    model = onnx.ModelProto()
    model.CopyFrom(quantized)
    for constant in folded.graph.initializer:  # renamed: a dequantized bias keeps the float bias's own name
        model.graph.initializer.add().CopyFrom(constant)
        model.graph.initializer[-1].name = f"float/{constant.name}"
    quantizers = {n.output[0]: n.input[0] for n in quantized.graph.node if n.op_type == "QuantizeLinear"}
    rectified = {n.output[0] for n in folded.graph.node if n.op_type == "Relu"}
    for k, node in enumerate(quantized.graph.node):
        if node.op_type == "DequantizeLinear" and _base(node.output[0]) not in tensors:
            source = quantizers.get(node.input[0], f"float/{_base(node.output[0])}")
            # The quantizer drops a ReLU that its zero-point implies; without the zero-point it must come back.
            op = "Relu" if _base(node.output[0]) in rectified else "Identity"
            model.graph.node[k].CopyFrom(helper.make_node(op, [source], [node.output[0]], node.name))
    return model


def run(model, images, wanted):
    """Unoptimized run; `wanted` tensors as consumers read them, name -> array."""
    model_all = onnx.ModelProto()
    model_all.CopyFrom(model)
    made = {name for node in model.graph.node for name in node.output}
    actual = {}
    for name in wanted:
        read = f"{name}_DequantizeLinear_Output"
        actual[name] = read if read in made else name
    have = {o.name for o in model.graph.output}
    model_all.graph.output.extend(
        helper.make_tensor_value_info(a, onnx.TensorProto.FLOAT, None) for a in dict.fromkeys(actual.values()) if a not in have)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = ort.InferenceSession(model_all.SerializeToString(), options, providers=["CPUExecutionProvider"])
    got = session.run(list(actual.values()), {"image": images})
    return dict(zip(actual, got, strict=True))


def sqnr(reference, other):
    """10 log10(sum f^2 / sum (q-f)^2) in dB over all samples; infinite when equal."""
    signal = np.sum(np.square(reference, dtype=np.float64))
    noise = np.sum(np.square(other.astype(np.float64) - reference))
    return np.inf if noise == 0 else 10 * np.log10(signal / noise)


def curve(reference, quantized, images, layers):
    """Accumulated SQNR of each layer's output, and the logits."""
    got = run(quantized, images, [row.output for row in layers])
    return [sqnr(reference[row.output], got[row.output]) for row in layers], got["logits"]


def local(reference, quantized, folded, images, layers):
    """SQNR of each layer's output when only its own weight, bias and output quantizers act."""
    result = []
    for row in layers:
        model = keep_only(quantized, folded, {row.output, *row.constants})
        result.append(sqnr(reference[row.output], run(model, images, [row.output])[row.output]))
    return result


def bias_use(quantized):
    """Largest |int32 bias| of any layer: far below 2^31, or onnxruntime would widen weight scales to make it fit."""
    return max((int(np.abs(onnx.numpy_helper.to_array(i).astype(np.int64)).max())
                for i in quantized.graph.initializer if i.data_type == onnx.TensorProto.INT32 and i.name.endswith("_quantized")),
               default=0)
