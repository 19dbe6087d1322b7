#!/usr/bin/env python3
"""Checks an analysis and its export with nothing of ours: stock onnxruntime and NumPy.

    independent.py FLOAT.onnx EXPORT.onnx DATA.npz ANALYSIS.json [--quantize-static per-tensor|per-channel]

Runs both models without graph optimization, every tensor an output, one sample a call, and compares each quantized
tensor's SQNR (float64 sums over all samples) with the analysis: within 0.005 dB wherever it is below 60 dB. With
--quantize-static, compares scales and zero-points of activations with `quantize_static` after `quant_pre_process`.
Needs: numpy, onnx, onnxruntime.
"""
import json, os, sys, tempfile
import numpy as np, onnx, onnxruntime as ort
from onnx import numpy_helper

def session(model):
    model = onnx.ModelProto.FromString(model.SerializeToString())
    known = {o.name for o in model.graph.output}
    for node in model.graph.node:
        for name in node.output:
            if name and name not in known:
                model.graph.output.append(onnx.ValueInfoProto(name=name)); known.add(name)
    options = ort.SessionOptions(); options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    return ort.InferenceSession(model.SerializeToString(), options, providers=['CPUExecutionProvider'])

def feeds(sess, data, i):
    inputs = sess.get_inputs()
    if len(inputs) == 1 and inputs[0].name not in data:
        return {inputs[0].name: data[[k for k in data if k != 'labels'][0]][i:i + 1]}
    return {x.name: data[x.name][i:i + 1] for x in inputs}

def main():
    float_path, export_path, data_path, json_path = sys.argv[1:5]
    data = dict(np.load(data_path)); analysis = json.load(open(json_path))
    f_model, q_model = onnx.load(float_path), onnx.load(export_path)
    f_sess, q_sess = session(f_model), session(q_model)
    f_names = [o.name for o in f_sess.get_outputs()]; q_names = [o.name for o in q_sess.get_outputs()]
    rows = analysis['layers']; sums = {}
    for i in range(analysis['samples']):
        feed = feeds(f_sess, data, i)
        f = dict(zip(f_names, f_sess.run(None, feed))); f.update(feed)
        q = dict(zip(q_names, q_sess.run(None, feed)))
        for row in rows:
            name = row['output']
            read = name + '_DequantizeLinear_Output' if name + '_DequantizeLinear_Output' in q else name
            if name not in f or read not in q or f[name].dtype != np.float32: continue
            a, b = f[name].astype('f8'), q[read].astype('f8')
            s = sums.setdefault(name, [0.0, 0.0]); s[0] += (a * a).sum(); s[1] += ((b - a) ** 2).sum()
    worst = 0.0; compared = missing = 0
    for row in rows:
        acc = row['accumulated']
        if acc['sqnr_db'] is None:
            assert acc.get('why'), row['name']; continue
        if row['output'] not in sums: missing += 1; continue
        s = sums[row['output']]; mine = 10 * np.log10(s[0] / s[1]) if s[1] else np.inf
        if mine < 60: worst = max(worst, abs(mine - acc['sqnr_db'])); compared += 1
    print(f'SQNR: {compared} tensors compared, {missing} not found, largest difference {worst:.2e} dB')
    assert worst < 0.005 and missing == 0
    if '--quantize-static' in sys.argv:
        static(float_path, data, analysis, sys.argv[sys.argv.index('--quantize-static') + 1] == 'per-channel', q_model)

def static(float_path, data, analysis, per_channel, ours):
    from onnxruntime.quantization import quantize_static, QuantFormat, QuantType, CalibrationDataReader
    from onnxruntime.quantization.shape_inference import quant_pre_process
    folder = tempfile.mkdtemp(); pre, out = os.path.join(folder, 'pre.onnx'), os.path.join(folder, 'q.onnx')
    quant_pre_process(float_path, pre)
    sess = ort.InferenceSession(pre, providers=['CPUExecutionProvider'])
    class Reader(CalibrationDataReader):
        def __init__(self): self.i = 0
        def get_next(self):
            if self.i >= analysis['samples']: return None
            self.i += 1; return feeds(sess, data, self.i - 1)
    quantize_static(pre, out, Reader(), quant_format=QuantFormat.QDQ, activation_type=QuantType.QInt8,
                    weight_type=QuantType.QInt8, per_channel=per_channel)
    theirs = onnx.load(out)
    def activations(model):
        init = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        return {n.input[0].removesuffix('_QuantizeLinear_Input'): (init[n.input[1]], init[n.input[2]]) for n in model.graph.node if n.op_type == 'QuantizeLinear'}
    def weights(model):
        init = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        found = {}
        for n in model.graph.node:
            if n.op_type == 'DequantizeLinear' and n.input[0] in init and init[n.input[0]].dtype == np.int8:
                found.setdefault(init[n.input[0]].shape, []).append((init[n.input[1]].reshape(-1), init[n.input[0]]))
        return found
    a, b = activations(ours), activations(theirs); both = sorted(set(a) & set(b))
    scale = max(abs(float(a[n][0]) / float(b[n][0]) - 1) for n in both); zero = [n for n in both if int(a[n][1]) != int(b[n][1])]
    print(f'activations: ours {len(a)}, quantize_static {len(b)}, by name {len(both)}; largest relative scale difference {scale:.1e}; zero-points different: {zero}')
    print('  only ours:', sorted(set(a) - set(b))[:6], ' only theirs:', sorted(set(b) - set(a))[:6])
    wa, wb = weights(ours), weights(theirs); worst = 0.0; off = matched = 0
    for shape, mine in wa.items():
        rest = list(wb.get(shape, []))
        for s, q in mine:
            best = min(range(len(rest)), key=lambda k: np.abs(q.astype(int) - rest[k][1]).sum(), default=None)
            if best is None: continue
            t, r = rest.pop(best); matched += 1
            worst = max(worst, float(np.abs(s / t - 1).max())); off += int((q != r).sum())
    print(f'weights: {matched} matched by shape and values, largest relative scale difference {worst:.1e}, codes different: {off}')

main()
