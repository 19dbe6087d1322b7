"""Proves an analysis with nothing but onnxruntime and NumPy: the errors it reports are those of the model it exports.

    python independent.py FLOAT.onnx EXPORT.onnx DATA.npz ANALYSIS.json [--quantize-static per-tensor|per-channel]

DATA.npz is what the analysis was given; EXPORT.onnx what `quantlens export` wrote with the same options. Both models
run with graph optimization off, every node output exposed, one sample a call. For every layer the SQNR of its output
tensor, as its consumers read it, is summed in float64 over all samples and compared with the analysis. Every scale is
compared with what onnxruntime's own `compute_scale_zp` makes of the observed minimum and maximum. With
--quantize-static, all scales and integers are compared with `quantize_static`'s too (peer_scales.py). Exit code 1 if
anything is off. independent_all.py runs both on the models that lie beside the repository.
"""

import json
import sys

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization.quant_utils import compute_scale_zp

from qdq_graph import QdqGraph, float_tensors

# An SQNR may differ by this much wherever it is below the limit; above it float32 rounding is a visible part of it.
TOLERANCE_DB, LIMIT_DB = 0.005, 60.0


def session(path, wanted):
    """A session without optimization that returns `wanted` besides the model's outputs."""
    model = onnx.load(path)
    known = {o.name for o in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in wanted if name not in known)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def feeds(data, inputs):
    """One dictionary a sample; a single array serves a single input whatever its name, labels aside."""
    arrays = {name: data[name] for name in data.files}
    if len(inputs) == 1 and inputs[0].name not in arrays:
        arrays = {inputs[0].name: next(a for name, a in arrays.items() if name not in ("labels", "y"))}
    for index in range(len(arrays[inputs[0].name])):
        yield {i.name: arrays[i.name][index : index + 1] for i in inputs}


class Sums:
    """Energies of a tensor and of its error, and the range of the float run."""

    def __init__(self):
        self.signal = self.noise = 0.0
        self.low, self.high = np.inf, -np.inf

    def add(self, reference, other):
        f, q = reference.astype(np.float64), other.astype(np.float64)
        self.signal += float(np.sum(f * f))
        # Infinite in both runs: no error.
        self.noise += float(np.sum(np.square(np.subtract(q, f, out=np.zeros_like(f), where=q != f))))
        if f.size:
            self.low, self.high = min(self.low, float(f.min())), max(self.high, float(f.max()))

    def sqnr_db(self):
        """None where there is no error or no signal, or where a run made NaN or infinity."""
        if self.noise == 0 or self.signal == 0 or not np.isfinite(self.noise):
            return None
        return 10 * np.log10(self.signal / self.noise)


def measure(float_path, export_path, data_path):
    """tensor -> Sums over all samples, for every floating-point tensor that both models have; and the quantizers."""
    names = float_tensors(float_path)
    export = QdqGraph(export_path)
    quantizers = export.activations(names)
    read = {tensor: quantizers[tensor][0] if tensor in quantizers else tensor for tensor in names}
    made = set(export.maker) | {i.name for i in export.graph.input}
    compared = sorted(tensor for tensor in names if read[tensor] in made)
    first = session(float_path, [t for t in compared if t in QdqGraph(float_path).maker])
    second = session(export_path, [read[t] for t in compared if read[t] in export.maker])
    sums = {tensor: Sums() for tensor in compared}
    first_names, second_names = ([o.name for o in s.get_outputs()] for s in (first, second))
    for feed in feeds(np.load(data_path), first.get_inputs()):
        reference = dict(feed, **dict(zip(first_names, first.run(None, feed))))
        quantized = dict(feed, **dict(zip(second_names, second.run(None, feed))))
        for tensor in compared:
            f, q = reference[tensor], quantized[read[tensor]]
            if f.dtype.kind == "f" and f.shape == q.shape:
                sums[tensor].add(f, q)
            else:
                sums[tensor] = sums[tensor] if f.dtype.kind == "f" else Sums()
    return sums, quantizers


def check_layers(analysis, sums, report):
    """Every row's accumulated SQNR against the sums; every row without one says why."""
    worst, compared = 0.0, 0
    for layer in analysis["layers"]:
        errors = layer["accumulated"]
        found = errors["sqnr_db"]
        own = sums[layer["output"]].sqnr_db() if layer["output"] in sums else None
        if found is None:
            if not errors.get("why"):
                report(f"{layer['name']}: no SQNR and no reason")
            if own is not None and own < 200:
                report(f"{layer['name']}: no SQNR ({errors.get('why')}), but it is {own:.3f} dB")
            continue
        if own is None:
            report(f"{layer['name']}: {found:.3f} dB, but the two runs do not differ")
            continue
        compared += 1
        if min(found, own) < LIMIT_DB:
            worst = max(worst, abs(found - own))
            if abs(found - own) > TOLERANCE_DB:
                report(f"{layer['name']} ({layer['op']}): {found:.4f} dB reported, {own:.4f} dB measured")
    return compared, worst


def scale_of_range(low, high, bits=8, q_min=None, symmetric=False):
    """(scale, zero-point) of a grid, signed unless `q_min` says otherwise, by onnxruntime's quantizer."""
    ends = np.float32(low), np.float32(high)
    q_min = -(2 ** (bits - 1)) if q_min is None else q_min
    q_max = q_min + 2**bits - 1
    if symmetric and q_min < 0:
        q_min = -q_max
    zero_point, scale = compute_scale_zp(*ends, np.array(q_min), np.array(q_max), symmetric)
    return float(np.float32(scale)), int(zero_point)


def check_scales(analysis, sums, quantizers, report):
    """Each activation's scale in the file, from the observed range by onnxruntime's own arithmetic, bit for bit."""
    checked = 0
    for layer in analysis["layers"]:
        activation = layer["activation"]
        if activation is None:
            continue
        tensor, bits = layer["output"], layer["activation_bits"]
        if tensor not in quantizers:
            report(f"{layer['name']}: its output has a quantizer in the analysis and none in the file")
            continue
        low, high = np.float32(activation["low"]), np.float32(activation["high"])
        expected = scale_of_range(low, high, bits)
        if expected != quantizers[tensor][1:]:
            report(f"`{tensor}`: file {quantizers[tensor][1:]}; onnxruntime {expected}")
        checked += 1
        seen = sums[tensor]
        own_range = layer["op"] in OBSERVES_ITSELF
        if own_range and (low, high) != (np.float32(seen.low), np.float32(seen.high)):
            report(f"`{tensor}`: range {low}..{high}, observed {seen.low}..{seen.high}")
    return checked


# Rows that take their range from their own output; the others share another tensor's or have a fixed one.
OBSERVES_ITSELF = ("Input", "Conv", "ConvTranspose", "Gemm", "MatMul", "Add", "Mul", "Concat", "GlobalAveragePool")


def main(float_path, export_path, data_path, analysis_path):
    """Prints one line, and one for everything that is off; returns whether all is well."""
    problems = []
    with open(analysis_path, encoding="utf-8") as file:
        analysis = json.load(file)
    sums, quantizers = measure(float_path, export_path, data_path)
    compared, worst = check_layers(analysis, sums, problems.append)
    checked = check_scales(analysis, sums, quantizers, problems.append)
    rows = len(analysis["layers"])
    print(f"{rows} rows, {compared} SQNRs compared, at most {worst:.2e} dB apart below {LIMIT_DB:.0f} dB; ", end="")
    print(f"{checked} activation scales equal onnxruntime's; {len(problems)} problems")
    for problem in problems:
        print("  " + problem)
    return not problems


if __name__ == "__main__":
    is_well = main(*sys.argv[1:5])
    if "--quantize-static" in sys.argv:
        import peer_scales

        is_well &= peer_scales.main(*sys.argv[1:4], [word for word in sys.argv[5:] if not word.startswith("--")])
    sys.exit(0 if is_well else 1)
