"""Writes the trained network as ONNX: opset 17, IR 8, batch norms unfolded, names a person can read.

The node of a layer is called like the layer (`block3/depthwise`), its batch norm and ReLU `…/norm` and `…/relu`; the tensor
after the whole layer is `…/out`. What is tricky: the names must survive batch-norm folding by onnxruntime, which keeps the
batch norm's output name and the convolution's weight name; hence `…/out` sits on the last node of each layer.
"""

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

from network import CONVS, EPSILON, RESIDUAL


def _convolution(nodes, initializers, network, row, source):
    """Appends Conv, BatchNormalization and, if rectified, Relu; returns the name of the layer's output tensor."""
    name, kind, inputs, _, stride, rectified = row
    parameters = [f"{name}/{part}" for part in ("gamma", "beta", "mean", "variance")]
    for key in [f"{name}/weight", *parameters]:
        initializers.append(numpy_helper.from_array(np.ascontiguousarray(network[key]), key))
    side, pad = (1, 0) if kind == "pointwise" else (3, 1)
    nodes.append(helper.make_node(
        "Conv", [source, f"{name}/weight"], [f"{name}/conv_out"], name,
        kernel_shape=[side, side], strides=[stride, stride], pads=[pad] * 4, group=inputs if kind == "depthwise" else 1))
    normed = f"{name}/norm_out" if rectified else f"{name}/out"
    nodes.append(helper.make_node(
        "BatchNormalization", [f"{name}/conv_out", *parameters], [normed], f"{name}/norm", epsilon=EPSILON))
    if rectified:
        nodes.append(helper.make_node("Relu", [normed], [f"{name}/out"], f"{name}/relu"))
    return f"{name}/out"


def to_onnx(network, side):
    """The ONNX model: `image` float [batch, 1, side, side] to `logits` float [batch, 10]."""
    nodes, initializers, source, entry = [], [], "image", None
    for row in CONVS:
        block = row[0].split("/")[0]
        if row[0].endswith("/expand"):
            entry = source
        source = _convolution(nodes, initializers, network, row, source)
        if row[0].endswith("/project") and block in RESIDUAL:
            nodes.append(helper.make_node("Add", [entry, source], [f"{block}/add/out"], f"{block}/add"))
            source = f"{block}/add/out"
    nodes.append(helper.make_node("GlobalAveragePool", [source], ["pool/out"], "pool"))
    nodes.append(helper.make_node("Flatten", ["pool/out"], ["flatten/out"], "flatten", axis=1))
    for key in ("classifier/weight", "classifier/bias"):
        initializers.append(numpy_helper.from_array(np.ascontiguousarray(network[key]), key))
    nodes.append(helper.make_node(
        "Gemm", ["flatten/out", "classifier/weight", "classifier/bias"], ["logits"], "classifier", transB=1))
    graph = helper.make_graph(
        nodes, "quantlens_sample",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, side, side])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 10])], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="quantlens make_sample")
    checker.check_model(model, full_check=True)
    return model
