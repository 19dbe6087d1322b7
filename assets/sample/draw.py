"""Draws the sample's pictures: one digit a picture, 28x28, grey, as on worn enamel plates.

Nothing is downloaded and no data set is read. The glyphs come from the DejaVu fonts inside the matplotlib wheel (so that the
pictures depend on pinned package versions, not on what the machine has installed) and are rotated, sheared, bent, lit
unevenly and made noisy. What is tricky: the difficulty. Without the neighbours, the bending and the noise a small network
reaches 100 % and its logits have so much margin that quantization could not hurt it visibly.
"""

from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

SIDE = 28
OVER = 4  # glyphs are drawn and bent at 4x and then averaged down: smooth edges at 28 pixels
LEVELS = 64  # grey is k/64: exact in float32, with two zero bytes in each pixel, so that the archive compresses
FACES = [
    "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansMono", "DejaVuSansMono-Bold",
    "DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic",
]


def _load_fonts():
    """Every face at three sizes, in pixels of the oversampled canvas."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return [[ImageFont.truetype(str(folder / f"{face}.ttf"), size * OVER) for size in (23, 26, 29)] for face in FACES]


def _glyph_row(rng, fonts, digit):
    """The digit in the middle; now and then a piece of a neighbouring digit at an edge, as on a house number."""
    size = SIDE * OVER
    canvas = Image.new("L", (size, size), 0)
    pen = ImageDraw.Draw(canvas)
    font = fonts[rng.integers(len(fonts))][rng.integers(3)]
    for side in (-1, 1):
        if rng.random() < 0.45:
            place = (size / 2 + side * rng.uniform(0.60, 0.76) * size, size / 2)
            pen.text(place, str(rng.integers(10)), fill=255, font=font, anchor="mm")
    pen.text((size / 2, size / 2), str(digit), fill=255, font=font, anchor="mm")
    return np.asarray(canvas, dtype=np.float64) / 255.0


def _bend(rng, ink):
    """Rotation, shear, zoom, shift and a smooth random displacement, in one resampling."""
    size = ink.shape[0]
    angle, shear = np.deg2rad(rng.uniform(-16, 16)), rng.uniform(-0.22, 0.22)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    zoom = np.diag(1.0 / rng.uniform(0.82, 1.15, 2))
    matrix = turn @ np.array([[1.0, 0.0], [shear, 1.0]]) @ zoom
    rows, columns = np.mgrid[0:size, 0:size] - (size - 1) / 2
    grid = np.tensordot(matrix, np.stack([rows, columns]), 1)
    grid += (size - 1) / 2 + rng.uniform(-2.2, 2.2, (2, 1, 1)) * OVER
    for axis in range(2):
        coarse = ndimage.zoom(rng.normal(0, 1, (5, 5)), size / 5, order=3)
        grid[axis] += coarse * rng.uniform(0.4, 1.6) * OVER
    return ndimage.map_coordinates(ink, grid, order=1, mode="constant")


def draw_digit(rng, fonts, digit):
    """One picture, float32 [28, 28] with values k/64 in 0..1."""
    ink = _bend(rng, _glyph_row(rng, fonts, digit))
    ink = ndimage.gaussian_filter(ink, rng.uniform(0.3, 0.8) * OVER)
    ink = ink.reshape(SIDE, OVER, SIDE, OVER).mean((1, 3))
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] / (SIDE - 1) - 0.5
    slope = rng.uniform(-0.5, 0.5, 2)
    light = 1.0 + slope[0] * rows + slope[1] * columns
    plate, paint = rng.uniform(0.06, 0.30), rng.uniform(0.58, 1.0)
    picture = (plate + (paint - plate) * ink) * light + rng.normal(0, rng.uniform(0.006, 0.04), ink.shape)
    return (np.clip(np.round(picture * LEVELS), 0, LEVELS) / LEVELS).astype(np.float32)


def draw_set(seed, per_class):
    """`(images [n, 1, 28, 28] float32, labels [n] int64)`, classes in turn, n = 10 * per_class."""
    rng, fonts = np.random.default_rng(seed), _load_fonts()
    labels = np.tile(np.arange(10), per_class)
    images = np.stack([draw_digit(rng, fonts, digit) for digit in labels])
    return images[:, None], labels.astype(np.int64)


def contact_sheet(images, columns=20, scale=3):
    """The pictures side by side as one PIL image, for looking at them."""
    rows = -(-len(images) // columns)
    sheet = np.zeros((rows * SIDE, columns * SIDE))
    for i, image in enumerate(images):
        r, c = divmod(i, columns)
        sheet[r * SIDE:(r + 1) * SIDE, c * SIDE:(c + 1) * SIDE] = image[0]
    picture = Image.fromarray(np.uint8(np.round(sheet * 255)))
    return picture.resize((picture.width * scale, picture.height * scale), Image.NEAREST)
