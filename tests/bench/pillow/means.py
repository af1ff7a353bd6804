"""Pillow's side of `bench photos --means`. Each line of standard input is a photo's path, each line of standard output
what its colours are.

A request is a JSON string, its answer `{"means": [red, green, blue], "profile": text}` or `{"error": text}`: the means
over the whole picture in sRGB, what is transparent on white. Pillow (libheif for HEIC) decodes, littlecms converts.
"""

from __future__ import annotations

import io
import json
import sys

import pillow_heif
from PIL import Image, ImageCms, ImageStat

pillow_heif.register_heif_opener()
# What is cut is compared with nothing; and the sizes are those of phones.
Image.MAX_IMAGE_PIXELS = None

_SRGB = ImageCms.createProfile("sRGB")
_NO_PROFILE = "none"
#: The profiles' own colours by the modes of pictures; what is of another mode is converted to RGB first.
_MODES = ("RGB", "L", "CMYK")


def _on_white(picture: Image.Image) -> Image.Image:
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture
    picture = picture.convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")


def _in_srgb(picture: Image.Image, icc: bytes | None) -> tuple[Image.Image, str]:
    picture = picture if picture.mode in _MODES else picture.convert("RGB")
    if not icc:
        return picture.convert("RGB"), _NO_PROFILE
    profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    name = ImageCms.getProfileName(profile).strip()
    converted = ImageCms.profileToProfile(
        picture, profile, _SRGB, renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC, outputMode="RGB"
    )
    return converted or picture.convert("RGB"), name


def _means(path: str) -> dict[str, object]:
    try:
        with Image.open(path) as opened:
            icc = opened.info.get("icc_profile")
            picture, name = _in_srgb(_on_white(opened), icc)
        return {"means": ImageStat.Stat(picture).mean, "profile": name}
    except Exception as error:  # noqa: BLE001  (whatever it is, the next photo is read)
        return {"error": f"{type(error).__name__}: {error}"}


def main() -> None:
    """Answers until standard input ends."""
    for line in sys.stdin:
        print(json.dumps(_means(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
