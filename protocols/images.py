"""Reading pictures, in one place: whatever the file holds, uint8 RGB comes out, or one error.

Greyscale, palettes, CMYK and 16 bits a channel are converted; transparency is laid over black;
the orientation that a camera noted (EXIF) is applied; of several frames the first is taken.
16-bit grey is rounded to 8 bits; 16-bit colour is cut to them by Pillow, at most one level lower.
"""

import io
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps, UnidentifiedImageError

from protocols.errors import BadInput

MOST_PIXELS = 64_000_000
"""A picture that claims more is refused before it is decoded (a decompression bomb)."""
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF", "PPM")
"""What is read; formats that start other programs (EPS) are not."""


def read_image(path: Path) -> UInt8[np.ndarray, "h w 3"]:
    """Read a picture file as RGB.

    Raises:
        BadInput: It is absent, no picture, damaged, or too large.
    """
    return decode_image(_read_bytes(path), path)


def read_rgba(path: Path) -> UInt8[np.ndarray, "h w 4"]:
    """Read a picture file as RGB and alpha (255 is opaque), colours not multiplied by alpha.

    A picture without transparency is opaque everywhere.

    Raises:
        BadInput: It is absent, no picture, damaged, or too large.
    """
    return _decode(_read_bytes(path), path, "", _to_rgba)


def decode_image(content: bytes, path: Path, record: str = "") -> UInt8[np.ndarray, "h w 3"]:
    """Decode an encoded picture as RGB.

    Args:
        content: The encoded bytes.
        path: Where they come from, for messages.
        record: Which record of that file they are, for messages.

    Raises:
        BadInput: They are no picture, damaged, or too large.
    """
    return _decode(content, path, record, _to_rgb)


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:  # a path with a NUL is a ValueError
        found = getattr(error, "strerror", None) or str(error)
        raise BadInput(path, "", "a picture", found) from error


def _decode(
    content: bytes,
    path: Path,
    record: str,
    convert: Callable[[Image.Image, Path, str], np.ndarray],
) -> np.ndarray:
    try:
        # Opening reads the header only; the pixels are decoded once the size is known.
        with _open(content) as image:
            width, height = image.size
            if width * height > MOST_PIXELS:
                raise _too_large(path, record, f"{width} × {height}")
            ImageOps.exif_transpose(image, in_place=True)
            return convert(image, path, record)
    except BadInput:
        raise
    except Image.DecompressionBombError as error:
        raise _too_large(path, record, str(error)) from error
    except UnidentifiedImageError as error:
        expected = f"a picture ({', '.join(FORMATS)})"
        found = f"{len(content):,} bytes of something else"
        raise BadInput(path, record, expected, found) from error
    except Exception as error:  # Pillow's decoders raise many kinds
        found = str(error) or type(error).__name__
        raise BadInput(path, record, "a whole picture", found) from error


def _open(content: bytes) -> Image.Image:
    """Read the header; Pillow's own warning of large pictures is silent, ours is stricter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(io.BytesIO(content), formats=FORMATS)


def _to_rgb(image: Image.Image, path: Path, record: str) -> np.ndarray:
    if image.mode.startswith("I;16"):
        return _grey(np.asarray(image).astype(np.uint16) / 257)
    if image.mode == "I" and image.format == "PPM":  # scaled to 16 bits by Pillow
        return _grey(np.asarray(image) / 257)
    if image.mode in ("I", "F"):
        raise BadInput(path, record, "8 or 16 bits a channel", f"32 (mode {image.mode})")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image)
    return np.array(image.convert("RGB"))


def _to_rgba(image: Image.Image, path: Path, record: str) -> np.ndarray:
    if image.has_transparency_data:
        return np.array(image.convert("RGBA"))
    rgb = _to_rgb(image, path, record)
    return np.concatenate((rgb, np.full_like(rgb[..., :1], 255)), axis=2)


def _grey(values: np.ndarray) -> np.ndarray:
    return np.repeat(np.round(values).astype(np.uint8)[..., None], 3, axis=2)


def _too_large(path: Path, record: str, found: str) -> BadInput:
    return BadInput(path, record, f"at most {MOST_PIXELS:,} pixels", found)


def encode_jpeg(picture: UInt8[np.ndarray, "h w 3"], quality: int) -> bytes:
    """RGB as JPEG, colours as fine as brightness.

    Args:
        picture: RGB.
        quality: 1 to 100.
    """
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality, subsampling=0)
    return file.getvalue()


def save_image(path: Path, picture: UInt8[np.ndarray, "h w 3"]) -> None:
    """Write RGB as PNG; a half-written file never stands under the name.

    Raises:
        OSError: It cannot be written.
    """
    partial = path.with_name(f".{path.name}.part")
    Image.fromarray(picture).save(partial, "PNG")
    partial.replace(path)
