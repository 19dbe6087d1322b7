"""Runs independent.py and peer_scales.py on the models of the shared folder.

    python independent_all.py QUANTLENS SHARED [MODEL …]

QUANTLENS is the program, SHARED the folder with `models/`. Pictures are preprocessed here, so that both sides are fed
the very same numbers.
"""

import os
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image

import independent
import peer_scales

MEAN, STD = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)


def pictures(folder, count):
    """Shorter side to 256, centre crop 224, ImageNet's mean and deviation, NCHW."""
    for name in sorted(os.listdir(folder))[:count]:
        image = Image.open(os.path.join(folder, name)).convert("RGB")
        scale = 256 / min(image.size)
        image = image.resize([round(side * scale) for side in image.size], Image.BILINEAR)
        left, top = ((side - 224) // 2 for side in image.size)
        pixels = np.asarray(image.crop((left, top, left + 224, top + 224)), np.float32) / 255
        yield ((pixels - MEAN) / STD).transpose(2, 0, 1)


def cases(models):
    """name -> (model, arrays)."""
    load = lambda name: np.load(os.path.join(models, name))
    photos = lambda: {"data": np.stack(list(pictures(os.path.join(models, "images", "imagenet"), 32)))}
    digits = lambda: {"image": load("digits/digits_calib.npz")["x"]}
    tokens = lambda: {k: load("data/minilm_dev.npz")[k] for k in ("input_ids", "attention_mask", "token_type_ids")}
    return {
        "mobilenetv2": ("models/mobilenetv2_bn_coarse8.onnx", photos),
        "squeezenet1.1": ("models/squeezenet1.1.onnx", photos),
        "digits_cnn": ("digits/digits_cnn.onnx", digits),
        "digits_cnn_hostile": ("digits/digits_cnn_hostile.onnx", digits),
        "tiny_resnet8": (
            "models/tiny_resnet8_cifar10.onnx",
            lambda: {"input": load("data/cifar10_dev.npz")["x"][:64].astype(np.float32)},
        ),
        "str_ww_dscnn": ("models/str_ww_dscnn.onnx", lambda: {"input": load("data/str_ww_dev.npz")["x"]}),
        "minilm": ("models/all-MiniLM-L6-v2-vocab1489.onnx", tokens),
    }


VARIANTS = {
    "per-tensor": ["--per-tensor"],
    "per-channel": ["--per-channel"],
    "w4a16": ["--per-channel", "--weight-bits", "4", "--act-bits", "16"],
    "w8a6": ["--weight-bits", "8", "--act-bits", "6"],
}


# What `quantize_static` can be asked for as well: our options, and the words of peer_scales.py.
PEERS = {
    "per-tensor": (["--per-tensor"], []),
    "per-channel": (["--per-channel"], ["per-channel"]),
    "unsigned": (["--set", "*:sign=unsigned"], ["unsigned"]),
    "symmetric": (["--set", "*:scheme=symmetric"], ["symmetric"]),
    "unsigned symmetric": (["--set", "*:scheme=symmetric,sign=unsigned"], ["unsigned", "symmetric"]),
    "affine weights": (["--set", "*:weight-scheme=affine"], ["affine-weights"]),
}


def run(program, model, data, options, folder):
    """Exports and analyzes; returns both files."""
    export, analysis = os.path.join(folder, "export.onnx"), os.path.join(folder, "analysis.json")
    common = [model, "--data", data, *options]
    subprocess.run([program, "export", *common, "-o", export], check=True, capture_output=True)
    subprocess.run([program, "analyze", *common, "--json", analysis], check=True, capture_output=True)
    return export, analysis


def main(program, shared, chosen):
    models, all_is_well = os.path.join(shared, "models"), True
    for name, (model, arrays) in cases(models).items():
        if chosen and name not in chosen:
            continue
        path = os.path.join(models, model)
        with tempfile.TemporaryDirectory() as folder:
            data = os.path.join(folder, "data.npz")
            np.savez(data, **arrays())
            for variant, options in VARIANTS.items():
                export, analysis = run(program, path, data, options, folder)
                print(f"{name} {variant}: ", end="", flush=True)
                all_is_well &= independent.main(path, export, data, analysis)
            for variant, (options, words) in PEERS.items():
                export, _ = run(program, path, data, options, folder)
                print(f"{name} {variant}, against quantize_static: ", end="", flush=True)
                all_is_well &= peer_scales.main(path, export, data, words)
    return all_is_well


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1], sys.argv[2], sys.argv[3:]) else 1)
