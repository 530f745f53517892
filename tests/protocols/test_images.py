"""Every kind of picture that a folder of photos holds sooner or later."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from protocols.errors import BadInput
from protocols.images import MOST_PIXELS, decode_image, read_image, read_rgba


@pytest.fixture
def photo() -> np.ndarray:
    """A smooth picture, 40 rows of 60, of three channels that differ."""
    row, column = np.mgrid[:40, :60]
    channels = (4 * column, 6 * row, 255 - 2 * column - 3 * row)
    return np.stack(channels, -1).clip(0, 255).astype(np.uint8)


def saved(path: Path, image: Image.Image, **options: Any) -> Path:
    image.save(path, **options)
    return path


def test_colour_comes_out_as_it_went_in(tmp_path: Path, photo: np.ndarray) -> None:
    for name in ("a.png", "a.bmp", "a.tif", "a.ppm"):
        image = read_image(saved(tmp_path / name, Image.fromarray(photo)))
        assert image.dtype == np.uint8
        assert np.array_equal(image, photo)
    lossy = read_image(saved(tmp_path / "a.jpg", Image.fromarray(photo), quality=95))
    assert np.abs(lossy.astype(int) - photo).mean() < 3


@pytest.mark.parametrize("mode", ["L", "1", "P"])
def test_grey_and_palettes_become_rgb(tmp_path: Path, photo: np.ndarray, mode: str) -> None:
    image = Image.fromarray(photo).convert(mode)
    read = read_image(saved(tmp_path / "a.png", image))
    assert read.shape == (40, 60, 3)
    assert np.array_equal(read, np.asarray(image.convert("RGB")))


def test_transparency_is_laid_over_black(tmp_path: Path, photo: np.ndarray) -> None:
    alpha = np.full((40, 60, 1), 255, np.uint8)
    alpha[:10], alpha[10:20] = 0, 128
    image = Image.fromarray(np.concatenate((photo, alpha), -1))
    read = read_image(saved(tmp_path / "a.png", image))
    assert (read[:10] == 0).all()
    assert np.abs(read[10:20].astype(int) - photo[10:20] * (128 / 255)).max() <= 1
    assert np.array_equal(read[20:], photo[20:])
    palette = Image.fromarray(photo).quantize(16)
    palette.info["transparency"] = 3
    read = read_image(saved(tmp_path / "p.png", palette, transparency=3))
    hidden = np.asarray(palette) == 3
    assert hidden.any()
    assert (read[hidden] == 0).all()
    assert np.array_equal(read[~hidden], np.asarray(palette.convert("RGB"))[~hidden])


def test_16_bits_keep_their_brightness(tmp_path: Path) -> None:
    """Pillow alone clips them: almost everything would come out white."""
    values = np.linspace(0, 65535, 60 * 40).reshape(40, 60).astype(np.uint16)
    for name in ("a.png", "a.tif"):
        read = read_image(saved(tmp_path / name, Image.fromarray(values)))
        assert np.array_equal(read[..., 0], np.round(values / 257).astype(np.uint8))
        assert (read[..., 0] == read[..., 2]).all()


def test_16_bits_of_colour(tmp_path: Path, photo: np.ndarray) -> None:
    import cv2

    path = tmp_path / "a.png"
    values = photo.astype(np.uint16) * 257 - (photo > 0) * 100
    cv2.imwrite(str(path), values[..., ::-1].astype(np.uint16))
    difference = np.round(values / 257) - read_image(path)
    assert difference.min() >= 0
    assert difference.max() <= 1


def test_16_bits_in_a_pgm(tmp_path: Path) -> None:
    values = np.linspace(0, 65535, 60).round().astype(">u2")
    (tmp_path / "a.pgm").write_bytes(b"P5 10 6 65535\n" + values.tobytes())
    expected = np.round(values.astype(float) / 257).reshape(6, 10)
    assert np.array_equal(read_image(tmp_path / "a.pgm")[..., 1], expected)


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_32_bits_are_refused(tmp_path: Path, dtype: type) -> None:
    """Their range is anyone's guess: a picture of 0 to 1 would come out black."""
    path = saved(tmp_path / "a.tif", Image.fromarray(np.full((4, 4), 200, dtype)))
    with pytest.raises(BadInput, match=r"a\.tif: expected 8 or 16 bits a channel, found 32"):
        read_image(path)


def test_cmyk(tmp_path: Path, photo: np.ndarray) -> None:
    image = Image.fromarray(photo).convert("CMYK")
    read = read_image(saved(tmp_path / "a.tif", image))
    assert np.abs(read.astype(int) - photo).max() <= 1
    read = read_image(saved(tmp_path / "a.jpg", image, quality=95))
    assert np.abs(read.astype(int) - photo).mean() < 4


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_cameras_orientation_is_applied(
    tmp_path: Path, photo: np.ndarray, orientation: int
) -> None:
    """Turn the stored pixels away, note how to turn them back: the photo comes out upright."""
    undo = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a),
        7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(undo(photo)))
    assert np.array_equal(read_image(saved(tmp_path / "a.png", stored, exif=exif)), photo)


def test_one_pixel(tmp_path: Path) -> None:
    image = read_image(saved(tmp_path / "a.png", Image.new("RGB", (1, 1), (9, 8, 7))))
    assert image.tolist() == [[[9, 8, 7]]]


def test_the_first_of_several_frames(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), color) for color in ((255, 0, 0), (0, 0, 255))]
    path = tmp_path / "a.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert read_image(path)[0, 0].tolist() == [255, 0, 0]


def test_a_truncated_file_is_one_error(tmp_path: Path) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    for name in ("a.jpg", "a.png", "a.tif", "a.webp", "a.bmp"):
        content = saved(tmp_path / name, Image.fromarray(photo)).read_bytes()
        for share in (0.02, 0.3, 0.9):
            (tmp_path / name).write_bytes(content[: int(share * len(content))])
            with pytest.raises(BadInput, match=f"{name}: expected a"):
                read_image(tmp_path / name)


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xd8\xff", b"<svg/>", b"%!PS-Adobe-3.0 EPSF-3.0", bytes(5000)]
)
def test_another_file_is_one_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(BadInput, match=r"a\.jpg: expected a picture|a\.jpg: expected a whole"):
        read_image(tmp_path / "a.jpg")


@pytest.mark.parametrize("kind", ["PCX", "TGA", "ICO"])
def test_formats_that_are_not_listed_are_refused(
    tmp_path: Path, photo: np.ndarray, kind: str
) -> None:
    """Pillow reads dozens; each is code that a hostile file can reach."""
    Image.fromarray(photo).save(tmp_path / "a", kind)
    with pytest.raises(BadInput, match="expected a picture"):
        read_image(tmp_path / "a")


def test_what_cannot_be_read_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"absent\.jpg: expected a picture, found No such file"):
        read_image(tmp_path / "absent.jpg")
    with pytest.raises(BadInput, match="expected a picture, found Is a directory"):
        read_image(tmp_path)
    with pytest.raises(BadInput, match="expected a picture, found embedded null"):
        read_image(tmp_path / "a\0.jpg")


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that claims width × height pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = (
        chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100_000))) + chunk(b"IEND", b"")
    )
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("side", [8_001, 12_000, 50_000])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path: Path, side: int) -> None:
    (tmp_path / "a.png").write_bytes(bomb(side, side))
    with pytest.raises(BadInput, match=f"at most {MOST_PIXELS:,} pixels"):
        read_image(tmp_path / "a.png")


def test_bytes_name_their_record(photo: np.ndarray) -> None:
    buffer = io.BytesIO()
    Image.fromarray(photo).save(buffer, "PNG")
    assert np.array_equal(decode_image(buffer.getvalue(), Path("x.rec")), photo)
    with pytest.raises(BadInput, match=r"x\.rec, record 17: expected a"):
        decode_image(b"nothing", Path("x.rec"), "record 17")


def test_real_photos(shared: Path) -> None:
    photos = sorted((shared / "faces/deep3dfacerecon").rglob("*.jpg"))
    assert photos
    for path in photos[:5]:
        with Image.open(path) as image:
            assert read_image(path).shape == (image.height, image.width, 3)


def test_alpha_is_kept_where_there_is_one(tmp_path: Path, photo: np.ndarray) -> None:
    alpha = np.full((40, 60, 1), 255, np.uint8)
    alpha[:10], alpha[10:20] = 0, 128
    picture = np.concatenate((photo, alpha), -1)
    read = read_rgba(saved(tmp_path / "a.png", Image.fromarray(picture)))
    assert read.dtype == np.uint8
    assert np.array_equal(read, picture)
    opaque = read_rgba(saved(tmp_path / "b.png", Image.fromarray(photo)))
    assert np.array_equal(opaque[..., :3], photo)
    assert (opaque[..., 3] == 255).all()
    grey = read_rgba(saved(tmp_path / "c.png", Image.fromarray(picture).convert("LA")))
    assert np.array_equal(grey[..., 3], alpha[..., 0])
    palette = Image.fromarray(photo).quantize(16)
    read = read_rgba(saved(tmp_path / "p.png", palette, transparency=3))
    assert np.array_equal(read[..., 3] == 0, np.asarray(palette) == 3)


def test_alpha_is_refused_as_colour_is(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"absent\.png: expected a picture, found No such file"):
        read_rgba(tmp_path / "absent.png")
    (tmp_path / "a.png").write_bytes(bomb(12_000, 12_000))
    with pytest.raises(BadInput, match="at most"):
        read_rgba(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"nothing")
    with pytest.raises(BadInput, match=r"b\.png: expected a picture"):
        read_rgba(tmp_path / "b.png")
    wide = saved(tmp_path / "c.tif", Image.fromarray(np.ones((4, 4), np.float32)))
    with pytest.raises(BadInput, match="8 or 16 bits"):
        read_rgba(wide)
