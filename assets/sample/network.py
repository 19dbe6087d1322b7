"""The sample's network: a small MobileNetV2 (stem, five inverted-residual blocks, head), and its training in JAX.

A network is a flat dictionary of float32 arrays, `layer/weight`, `layer/gamma`, `layer/beta`, `layer/mean`, `layer/variance`,
in ONNX's own layouts, so that export.py writes them as they are. Convolutions are sums of shifted products: on a CPU XLA
differentiates those many times faster than a grouped convolution. What is tricky: one channel is
born dead (`STARTS`), as happens in real training, and one ends up loud (`rescale`); neither shows in float.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

EPSILON = 1e-5  # of the batch norm, PyTorch's default; it alone bounds the folded weights of a dead channel: sqrt(1/eps) = 316
MOMENTUM = 0.9  # of the running statistics
WEIGHT_DECAY = 1e-4
DEPTHWISE_SPREAD = 0.28  # standard deviation of the first weights; batch norm makes it matter to dead channels only

# name, kind, input channels, output channels, stride, rectified. `full` is 3x3 dense, `pointwise` 1x1, `depthwise` 3x3.
CONVS = [
    ("stem", "full", 1, 16, 2, True),
    ("block1/depthwise", "depthwise", 16, 16, 1, True),
    ("block1/project", "pointwise", 16, 16, 1, False),
    ("block2/expand", "pointwise", 16, 48, 1, True),
    ("block2/depthwise", "depthwise", 48, 48, 1, True),
    ("block2/project", "pointwise", 48, 16, 1, False),
    ("block3/expand", "pointwise", 16, 48, 1, True),
    ("block3/depthwise", "depthwise", 48, 48, 2, True),
    ("block3/project", "pointwise", 48, 24, 1, False),
    ("block4/expand", "pointwise", 24, 72, 1, True),
    ("block4/depthwise", "depthwise", 72, 72, 1, True),
    ("block4/project", "pointwise", 72, 24, 1, False),
    ("block5/expand", "pointwise", 24, 72, 1, True),
    ("block5/depthwise", "depthwise", 72, 72, 1, True),
    ("block5/project", "pointwise", 72, 24, 1, False),
    ("head", "pointwise", 24, 64, 1, True),
]
RESIDUAL = {"block2", "block4", "block5"}  # blocks whose input is added to their output

# (layer, channel): (gamma, beta) at the start of training, instead of (1, 0).
STARTS = {
    # Dead: ReLU never lets this channel through, so it gets no gradient and stays dead. The depthwise convolution after it sees
    # zeros only, its running variance decays to 0, and folding multiplies that one channel's weights by 1/sqrt(epsilon).
    ("block3/expand", 17): (0.25, -4.0),
}
# That channel's depthwise kernel keeps its first draw, so its size is ours to choose, and the only thing it changes is how deep
# the cliff is: at 1 the default target still reaches 90 % or more, at 1.4 it answers at random.
DEAD_KERNEL = ("block3/depthwise", 17, 1.225)


def initial(seed):
    """He-normal weights; batch norms at identity except for `STARTS`. Returns (trained, statistics)."""
    rng = np.random.default_rng(seed)
    trained, statistics = {}, {}
    for name, kind, inputs, outputs, _, _ in CONVS:
        shape = (outputs, inputs if kind != "depthwise" else 1, *((1, 1) if kind == "pointwise" else (3, 3)))
        spread = DEPTHWISE_SPREAD if kind == "depthwise" else np.sqrt(2 / np.prod(shape[1:]))
        trained[f"{name}/weight"] = rng.normal(0, spread, shape).astype(np.float32)
        trained[f"{name}/gamma"] = np.ones(outputs, np.float32)
        trained[f"{name}/beta"] = np.zeros(outputs, np.float32)
        statistics[f"{name}/mean"] = np.zeros(outputs, np.float32)
        statistics[f"{name}/variance"] = np.ones(outputs, np.float32)
    for (name, channel), (gamma, beta) in STARTS.items():
        trained[f"{name}/gamma"][channel], trained[f"{name}/beta"][channel] = gamma, beta
    name, channel, size = DEAD_KERNEL
    trained[f"{name}/weight"][channel] *= np.float32(size)
    trained["classifier/weight"] = rng.normal(0, 0.1, (10, CONVS[-1][3])).astype(np.float32)
    trained["classifier/bias"] = np.zeros(10, np.float32)
    return trained, statistics


def rescale(network, block, channel):
    """The same function with one channel of `block` 16 times as loud after its depthwise convolution, and read 1/16.

    ReLU lets every network choose these scales freely; training does not care, quantization does: the range of the tensor is
    that channel's, and the others share what is left of the grid. A factor 2 is given on entry and 8 after, so that no single
    layer's weight range is stretched much (then 16-bit activations would not help). Powers of two: exact in floating point.
    """
    changed = {key: value.copy() for key, value in network.items()}
    for part in ("gamma", "beta"):
        changed[f"{block}/expand/{part}"][channel] *= 2
        changed[f"{block}/depthwise/{part}"][channel] *= 16
    changed[f"{block}/depthwise/weight"][channel] /= 2  # its input has doubled; its own batch norm stays right
    changed[f"{block}/project/weight"][:, channel] /= 16
    return changed


def _convolve(x, weight, kind, stride):
    """x [N, H, W, C], weight in ONNX layout; padding 1 for 3x3."""
    if kind == "pointwise":
        return x @ weight[:, :, 0, 0].T
    height, width = x.shape[1], x.shape[2]
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    total = 0.0
    for i in range(3):
        for j in range(3):
            tap = padded[:, i:i + height:stride, j:j + width:stride]
            total += tap * weight[:, 0, i, j] if kind == "depthwise" else tap @ weight[:, :, i, j].T
    return total


def forward(trained, statistics, images, training):
    """Logits [N, 10] of images [N, H, W, 1], and the statistics after this batch (unchanged unless training)."""
    x, after, entry = images, dict(statistics), None
    for name, kind, _, _, stride, rectified in CONVS:
        block = name.split("/")[0]
        if name.endswith("/expand"):
            entry = x
        y = _convolve(x, trained[f"{name}/weight"], kind, stride)
        mean, variance = statistics[f"{name}/mean"], statistics[f"{name}/variance"]
        if training:
            mean, variance = y.mean((0, 1, 2)), y.var((0, 1, 2))
            for key, value in (("mean", mean), ("variance", variance)):
                after[f"{name}/{key}"] = MOMENTUM * statistics[f"{name}/{key}"] + (1 - MOMENTUM) * value
        y = (y - mean) * (trained[f"{name}/gamma"] / jnp.sqrt(variance + EPSILON)) + trained[f"{name}/beta"]
        x = jax.nn.relu(y) if rectified else y
        if name.endswith("/project") and block in RESIDUAL:
            x = x + entry
    pooled = x.mean((1, 2))
    return pooled @ trained["classifier/weight"].T + trained["classifier/bias"], after


def _loss(trained, statistics, images, labels):
    """Cross-entropy plus weight decay on convolution and classifier weights (not on batch norms)."""
    logits, after = forward(trained, statistics, images, True)
    decay = sum(jnp.sum(v * v) for k, v in trained.items() if k.endswith("/weight"))
    picked = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1)
    return -picked.mean() + WEIGHT_DECAY * 0.5 * decay, after


@partial(jax.jit, donate_argnums=(0, 1, 2))
def _step(trained, speed, statistics, images, labels, rate):
    """One step of stochastic gradient descent with Nesterov momentum 0.9."""
    gradient, after = jax.grad(_loss, has_aux=True)(trained, statistics, images, labels)
    speed = jax.tree.map(lambda s, g: 0.9 * s + g, speed, gradient)
    trained = jax.tree.map(lambda p, s, g: p - rate * (0.9 * s + g), trained, speed, gradient)
    return trained, speed, after


def train(images, labels, seed, epochs=8, batch=128, peak=0.2):
    """Trains on images [n, 1, H, W]; returns the network as one dictionary of float32 arrays."""
    rng = np.random.default_rng(seed)
    images = images.transpose(0, 2, 3, 1)
    trained, statistics = initial(seed)
    speed = jax.tree.map(np.zeros_like, trained)
    steps, done = epochs * (len(images) // batch), 0
    for epoch in range(epochs):
        order = rng.permutation(len(images))
        for start in range(0, len(images) - batch + 1, batch):
            pick = order[start:start + batch]
            shift = rng.integers(-2, 3, 2)
            moved = np.roll(images[pick], shift, (1, 2))
            rate = peak * min(1.0, done / (0.1 * steps)) * 0.5 * (1 + np.cos(np.pi * done / steps))
            trained, speed, statistics = _step(trained, speed, statistics, moved, labels[pick], np.float32(rate))
            done += 1
    return {k: np.asarray(v) for k, v in {**trained, **statistics}.items()}
