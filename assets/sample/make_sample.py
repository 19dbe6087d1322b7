#!/usr/bin/env python3
"""Makes the built-in sample: draws the pictures, trains the network, writes both, measures their story, checks it.

Needs (versions used): numpy 2.4.6, scipy 1.17.1, pillow 13.0.0, matplotlib 3.11.2 (for its fonts), jax 0.10.2, onnx 1.23.2,
onnxruntime 1.32.0, sympy. In a virtual environment: `python make_sample.py`; about 2 minutes on two idle cores. Deterministic on one
machine; another kind of processor may round differently, train a slightly different network and so fail the check at the
end, which is there for that. Writes sample.onnx, sample.npz and the measured part of README.md beside itself.
"""

from pathlib import Path

import numpy as np
import onnx

import draw
import export
import measure
import network

HERE = Path(__file__).resolve().parent
TRAIN_SEED, TEST_SEED, NETWORK_SEED = 1, 2, 0  # pictures of the two sets come from different random streams
CLIFF = "block3/depthwise"  # problem 1: its weights; one dead channel
PEAK = "block5/depthwise"  # problem 2: its output; one loud channel
MARK = "<!-- measured: written by make_sample.py -->\n"


def accuracy(logits, labels):
    """Percent of the samples whose best class is the label."""
    return 100.0 * float(np.mean(logits.argmax(1) == labels))


def make_model(images, labels):
    """Trains, and gives problem 2 its loud channel: the one with the highest peak over 1000 training pictures."""
    trained = network.train(images, labels, NETWORK_SEED)
    tensor = f"{PEAK}/out"
    seen = measure.run(export.to_onnx(trained, draw.SIDE), images[:1000], [tensor])[tensor]
    channel = int(seen.max((0, 2, 3)).argmax())
    return export.to_onnx(network.rescale(trained, PEAK.split("/")[0], channel), draw.SIDE), channel


def measure_story(model_path, images, labels):
    """Rows of layers, the float run, and for each configuration its accuracy, agreement and per-layer SQNRs."""
    folded = measure.fold(model_path)
    layers = measure.layers_of(folded)
    reference = measure.run(folded, images, [row.output for row in layers])
    weight = next(row.constants[0] for row in layers if row.name == CLIFF)
    wide = [f"{PEAK}/out"]
    configurations = {"default": {}, "fix 1": {"per_channel": [weight]}, "fix 2": {"per_channel": [weight], "wide": wide}}
    results = {}
    for name, options in configurations.items():
        quantized = measure.quantize(folded, images, **options)
        course, logits = measure.curve(reference, quantized, images, layers)
        results[name] = {
            "accuracy": accuracy(logits, labels), "course": course, "bias": measure.bias_use(quantized),
            "agreement": accuracy(logits, reference["logits"].argmax(1)),
            "local": measure.local(reference, quantized, folded, images, layers),
        }
    constants = {i.name: onnx.numpy_helper.to_array(i) for i in folded.graph.initializer}
    spread = np.abs(constants[weight]).reshape(len(constants[weight]), -1).max(1)
    return layers, reference, results, spread


def write_table(layers, reference, results, spread, channel, labels):
    """The measured part of the README as Markdown."""
    loud = reference[f"{PEAK}/out"].max((0, 2, 3))
    lines = [
        f"Float accuracy {accuracy(reference['logits'], labels):.1f} % on {len(labels)} pictures.", "",
        "| configuration | accuracy | agreement with float | output SQNR |", "|---|---|---|---|"]
    titles = {
        "default": "default target", "fix 1": f"① weights of `{CLIFF}` per channel", "fix 2": f"② and output of `{PEAK}` at 16 bits"}
    for name, result in results.items():
        lines.append(f"| {titles[name]} | {result['accuracy']:.1f} % | {result['agreement']:.1f} % | {result['course'][-1]:.1f} dB |")
    ranked = np.sort(spread)[::-1]
    lines += [
        "", f"Folded weights of `{CLIFF}`: channel {int(spread.argmax())} reaches ±{ranked[0]:.0f}, the next ±{ranked[1]:.2f}, the median "
        f"±{np.median(spread):.2f}. Output of `{PEAK}`: channel {channel} peaks at {loud.max():.0f}, the next at "
        f"{np.sort(loud)[-2]:.1f}, the median channel at {np.median(loud):.1f}. The largest int32 bias is {results['fix 1']['bias']} (before 16-bit tensors).", "",
        "SQNR in dB; *accumulated* with every quantizer acting, *local* with the layer's own (weight, bias, output) only.", "",
        "| layer | accumulated, default | after ① | after ② | local, default | after ① | after ② |", "|---|---|---|---|---|---|---|"]
    for i, row in enumerate(layers):
        cells = [f"{results[name][kind][i]:.1f}" for kind in ("course", "local") for name in results]
        mark = {CLIFF: " ①", PEAK: " ②"}.get(row.name, "")
        lines.append(f"| `{row.name}`{mark} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def check_story(layers, reference, results, spread, labels):
    """Every claim that the tour and the tests build on, as (claim, holds)."""
    names = [row.name for row in layers]
    cliff, peak = names.index(CLIFF), names.index(PEAK)
    exact = accuracy(reference["logits"], labels)
    default, first, second = results["default"], results["fix 1"], results["fix 2"]
    others = [v for i, v in enumerate(first["local"]) if i != peak]
    ranked = np.sort(spread)
    return [
        ("float accuracy is at least 98 %", exact >= 98),
        ("the default loses 40 to 80 points", 40 <= exact - default["accuracy"] <= 80),
        ("before the cliff at least 25 dB", min(default["course"][:cliff]) >= 25),
        ("at the cliff at least 15 dB are lost", default["course"][cliff - 1] - default["course"][cliff] >= 15),
        ("after the cliff it stays below 15 dB", max(default["course"][cliff:]) < 15),
        ("one channel has 20 times the next one's weights", ranked[-1] >= 20 * ranked[-2]),
        ("fix 1 is within 1 point of float", exact - first["accuracy"] <= 1),
        ("then problem 2 has the lowest local SQNR, by 3 dB", first["local"][peak] + 3 <= min(others)),
        ("fix 2 adds 5 dB at the output", second["course"][-1] - first["course"][-1] >= 5),
        ("and loses no accuracy", second["accuracy"] >= first["accuracy"]),
        ("biases use less than 1/64 of int32", max(r["bias"] for r in results.values()) < 2**25),
    ]


def main():
    """Draw, train, write, measure, check."""
    images, labels = draw.draw_set(TRAIN_SEED, 1000)
    test_images, test_labels = draw.draw_set(TEST_SEED, 30)
    model, channel = make_model(images, labels)
    onnx.save(model, HERE / "sample.onnx")
    np.savez_compressed(HERE / "sample.npz", image=test_images, labels=test_labels)
    layers, reference, results, spread = measure_story(HERE / "sample.onnx", test_images, test_labels)
    table = write_table(layers, reference, results, spread, channel, test_labels)
    print(table)
    readme = HERE / "README.md"
    head, _, rest = readme.read_text(encoding="utf-8").partition(MARK)
    tail = rest.partition(MARK)[2]
    readme.write_text(head + MARK + "\n" + table + "\n" + MARK + tail, encoding="utf-8")
    failed = [claim for claim, holds in check_story(layers, reference, results, spread, test_labels) if not holds]
    if failed:
        raise SystemExit("the story does not hold: " + "; ".join(failed))
    print("the story holds")


if __name__ == "__main__":
    main()
