#!/usr/bin/env python3
"""Cuts Noto Sans CJK SC down to the characters of our own texts, and checks that none is missing.

Needs fontTools and Debian's package fonts-noto-cjk (SIL Open Font License 1.1). Run it after a change of
assets/texts/zh-CN.toml; the test `texts` fails while a character has no glyph.
"""

import pathlib
import tomllib

from fontTools import subset
from fontTools.ttLib import TTCollection

HERE = pathlib.Path(__file__).parent
SOURCE = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"
# Names of languages in their own script stand in the sources.
ALWAYS = "简体中文"


def wanted() -> set[int]:
    texts = tomllib.loads((HERE / "../texts/zh-CN.toml").read_text(encoding="utf-8"))
    letters = set(ALWAYS) | {c for text in texts.values() for c in text}
    # Figures are written with this font alone: all of ASCII and Latin-1 too.
    return {ord(c) for c in letters if c >= " "} | set(range(0x20, 0x7F)) | set(range(0xA0, 0x100))


def main() -> None:
    fonts = TTCollection(SOURCE)
    font = next(f for f in fonts if f["name"].getDebugName(1) == "Noto Sans CJK SC")
    options = subset.Options(hinting=False, layout_features=["kern"], name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14], notdef_outline=True)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=wanted())
    cutter.subset(font)
    path = HERE / "NotoSansSC-subset.otf"
    font.save(path)
    print(f"{path.name}: {path.stat().st_size} bytes, {len(font.getBestCmap())} characters")


if __name__ == "__main__":
    main()
