"""Compares the scales and zero-points of an export with those of onnxruntime's own `quantize_static`.

    python peer_scales.py FLOAT.onnx EXPORT.onnx DATA.npz [per-channel] [unsigned] [symmetric] [affine-weights]

The words are the options of `quantize_static` that the export was made with: `per_channel`, QUInt8 activations,
`ActivationSymmetric`, `WeightSymmetric: False`.

`quantize_static` runs after `quant_pre_process`, in QDQ format, QInt8/QInt8, MinMax, on the same samples one by one.
That preprocessing folds batch norms in float32 (the export: in float64, rounded once) and its ranges are observed on
the folded model, so both ranges and folded weights may differ in the last bits. A scale that is more than 1e-6 off must
be exactly what the range observed on that folded model gives, else it is a problem. Two differences are known and
counted as explained: a tensor that the preprocessing removes (the output of Dropout), and a constant that it merges
with an equal one, so that a node which is not quantized itself comes to read a quantized 1.0.
"""

import os
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from independent import Sums, feeds, scale_of_range, session
from qdq_graph import QdqGraph, float_tensors

RELATIVE = 1e-6
# Folding in float32 rounds a weight three times more than folding in float64.
FOLDED = 4e-6


class Reader(CalibrationDataReader):
    """One sample a call."""

    def __init__(self, samples):
        self.samples = iter(samples)

    def get_next(self):
        return next(self.samples, None)


def quantize(float_path, data_path, options, folder):
    """Paths of the float model that onnxruntime's preprocessing makes, and of what its quantizer makes of that."""
    prepared, made = os.path.join(folder, "prepared.onnx"), os.path.join(folder, "quantized.onnx")
    quant_pre_process(float_path, prepared, skip_symbolic_shape=True)
    inputs = onnxruntime.InferenceSession(prepared, providers=["CPUExecutionProvider"]).get_inputs()
    quantize_static(
        prepared,
        made,
        Reader(feeds(np.load(data_path), inputs)),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8 if "unsigned" in options else QuantType.QInt8,
        weight_type=QuantType.QInt8,
        per_channel="per-channel" in options,
        calibrate_method=CalibrationMethod.MinMax,
        extra_options={
            "ActivationSymmetric": "symmetric" in options,
            "WeightSymmetric": "affine-weights" not in options,
        },
    )
    return prepared, made


def relative(a, b):
    """Largest relative difference of two arrays of scales."""
    return float(np.max(np.abs(a - b) / np.maximum(np.abs(b), 1e-38)))


def compare_activations(ours, theirs):
    """(common, only ours, only theirs, equal zero-points, largest relative difference, names beyond 1e-6)."""
    common = sorted(set(ours) & set(theirs))
    differences = {t: relative(np.array(ours[t][1]), np.array(theirs[t][1])) for t in common}
    equal = sum(ours[t][2] == theirs[t][2] for t in common)
    beyond = [t for t in common if differences[t] > RELATIVE or ours[t][2] != theirs[t][2]]
    return common, set(ours) - set(theirs), set(theirs) - set(ours), equal, max(differences.values(), default=0), beyond


def compare_weights(ours, theirs):
    """Scales, zero-points and integers of the constants that both quantize; biases (int32) are counted apart."""
    found = dict(common=sorted(set(ours) & set(theirs)), ours=set(ours) - set(theirs), theirs=set(theirs) - set(ours))
    found.update(worst=0.0, zero_points=0, shapes=[], weights=[0, 0, 0], biases=[0, 0, 0])
    for key in found["common"]:
        (a, s, z), (b, t, y) = ours[key], theirs[key]
        if a.shape != b.shape or s.shape != t.shape:
            found["shapes"].append(key)
            continue
        found["worst"] = max(found["worst"], relative(s, t))
        found["zero_points"] += int(np.array_equal(z, y))
        steps = np.abs(a.astype(np.int64) - b.astype(np.int64))
        tally = found["biases" if a.dtype == np.int32 else "weights"]
        tally[0] += int(np.sum(steps > 0))
        tally[1] += a.size
        tally[2] = max(tally[2], int(np.max(steps, initial=0)))
    return found


def own_ranges(path, data_path, tensors):
    """What the unoptimized float model at `path` shows of these tensors."""
    run = session(path, sorted(tensors))
    names = [o.name for o in run.get_outputs()]
    sums = {tensor: Sums() for tensor in tensors}
    for feed in feeds(np.load(data_path), run.get_inputs()):
        values = dict(feed, **dict(zip(names, run.run(None, feed))))
        for tensor in tensors:
            sums[tensor].add(values[tensor], values[tensor])
    return sums


def read_by_activation_alone(path):
    """Tensors of the float model that a ReLU or Clip reads and nothing else does."""
    readers = {}
    for node in onnx.load(path).graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node.op_type)
    return {name for name, ops in readers.items() if ops in (["Relu"], ["Clip"])}


def main(float_path, export_path, data_path, options):
    """Prints what was compared; returns whether all tensors both quantize agree."""
    with tempfile.TemporaryDirectory() as folder:
        prepared, made = quantize(float_path, data_path, options, folder)
        names, ours, theirs = float_tensors(float_path), QdqGraph(export_path), QdqGraph(made)
        their_activations = theirs.activations(names)
        common, only_ours, only_theirs, equal, worst, beyond = compare_activations(
            ours.activations(names), their_activations
        )
        weights = compare_weights(ours.weights(), theirs.weights())
        only_ours &= float_tensors(prepared)
        weights["theirs"] = {key for key in weights["theirs"] if not theirs.is_shared(*key)}
        if "symmetric" in options:
            # It puts a pair between Conv and Relu then, where this program has none (QUANTIZATION.md §5).
            only_theirs -= read_by_activation_alone(prepared)
        ranges = own_ranges(prepared, data_path, beyond)
        q_min = 0 if "unsigned" in options else -128
        is_symmetric = "symmetric" in options
        scale = lambda t: scale_of_range(ranges[t].low, ranges[t].high, q_min=q_min, symmetric=is_symmetric)
        unexplained = [t for t in beyond if scale(t) != their_activations[t][1:]]
    print(f"{len(common)} activations: {equal} zero-points equal, scales at most {worst:.1e} apart", end="")
    print(f" ({len(beyond)} beyond 1e-6, {len(beyond) - len(unexplained)} of them by the range alone)", end="; ")
    integers = "; ".join("{} of {} integers of {} differ, by at most {}".format(*weights[k][:2], k, weights[k][2])
                         for k in ("weights", "biases"))
    print(f"{len(weights['common'])} constants: {weights['zero_points']} zero-points equal, scales at most "
          f"{weights['worst']:.1e} apart, {integers}")
    for what, group in [("activation only in the export", only_ours), ("activation only in onnxruntime's", only_theirs),
                        ("constant only in the export", weights["ours"]),
                        ("constant only in onnxruntime's", weights["theirs"]), ("beyond 1e-6 for no reason", unexplained),
                        ("of another shape", weights["shapes"])]:
        for name in sorted(group, key=str):
            print(f"  {what}: {name}")
    missing = only_ours or only_theirs or weights["ours"] or weights["theirs"]
    constants_differ = weights["worst"] > FOLDED or weights["zero_points"] < len(weights["common"])
    return not (missing or unexplained or weights["shapes"] or constants_differ)


if __name__ == "__main__":
    sys.exit(0 if main(*sys.argv[1:4], sys.argv[4:]) else 1)
