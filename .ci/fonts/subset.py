#!/usr/bin/env python3
"""Makes templates/fonts/fallback-*.ttf: what BIZ UDPGothic lacks and names of people, companies and machines hold.

    apt-get install fonttools fonts-noto-cjk; apt-get download fonts-noto-core fonts-nanum fonts-droid-fallback fonts-hanazono
    dpkg -x each of them to x/; python3 .ci/fonts/subset.py x templates/fonts

Each font takes only the characters that none before it has, without hinting and layout tables. Which Han characters the last
ones take is Noto Sans CJK's choice: those of the standards in use. The names inside are our own, as the licences ask
(templates/fonts/LICENCES.txt)."""
import os
import sys

from fontTools import subset
from fontTools.ttLib import TTFont

source, target = sys.argv[1:3]
truetype = source + "/usr/share/fonts/truetype/"
CJK = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"
DROP = ["GSUB", "GPOS", "GDEF", "kern", "DSIG", "VORG", "vhea", "vmtx", "BASE", "gasp", "LTSH", "VDMX", "hdmx", "STAT"]


def characters(path, number=0):
    return set(TTFont(path, fontNumber=number, lazy=True).getBestCmap())


covered = characters(target + "/BIZUDPGothic-Regular.ttf")
han = set().union(*(characters(CJK, n) for n in range(5)))


def take(path, name, wanted):
    global covered
    options = subset.Options()
    options.hinting, options.layout_features, options.notdef_outline = False, [], True
    options.glyph_names, options.name_IDs = False, [0, 13, 14]
    options.drop_tables += DROP
    font = subset.load_font(path, options)
    chosen = {c for c in characters(path) if c not in covered and c >= 0xA0 and wanted(c)}
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=sorted(chosen))
    subsetter.subset(font)
    for number, text in {1: "Fallback " + name, 2: "Regular", 4: "Fallback " + name, 6: "Fallback-" + name}.items():
        font["name"].setName(text, number, 3, 1, 0x409)
    file = f"{target}/fallback-{name}.ttf"
    subset.save_font(font, file, options)
    covered |= chosen
    print(f"{file}: {len(chosen)} characters, {os.path.getsize(file)} bytes")


def hangul(c):
    return 0x1100 <= c <= 0x11FF or 0x3130 <= c <= 0x318F or 0xAC00 <= c <= 0xD7A3


take(truetype + "noto/NotoSans-Regular.ttf", "1-latin", lambda c: True)
take(truetype + "nanum/NanumGothic.ttf", "2-hangul", hangul)
take(truetype + "noto/NotoSansThai-Regular.ttf", "3-thai", lambda c: True)
take(truetype + "noto/NotoSansSymbols-Regular.ttf", "4-symbols", lambda c: True)
take(truetype + "noto/NotoSansSymbols2-Regular.ttf", "5-symbols", lambda c: True)
take(truetype + "droid/DroidSansFallbackFull.ttf", "6-han", lambda c: True)
take(truetype + "hanazono/HanaMinA.ttf", "7-han", han.__contains__)
take(truetype + "hanazono/HanaMinB.ttf", "8-han", han.__contains__)
