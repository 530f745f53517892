"""The files and the record of each method; the generator's weights are random."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cfr.align import align_deep3d, five_from_68
from cfr.frontalizers.cfr_gan import CfrGanFrontalizer
from cfr.gan.generator import Generator, GeneratorSize
from cfr.gan.sources import Painter, load_painter
from cfr.gan.weights import save_generator
from cfr.landmarks.face import FoundFace
from cfr.landmarks.policy import Tally
from cfr.morphable.sources import load_model
from cfr.synthetic.identity import IdentitySampler
from cfr.synthetic.scene import Scene, SceneSettings, draw_scenes
from protocols.errors import BadInput
from protocols.images import read_image
from results.frontalizing.methods import ByGenerator, ByNothing, Method
from results.frontalizing.running import frontalize_photos


@pytest.fixture(scope="module")
def scene() -> Scene:
    model = load_model("builtin")
    person = IdentitySampler(model).draw(2)
    return draw_scenes(model, [person], [2], SceneSettings(size=96, yaw_degrees=30.0))[0]


@pytest.fixture(scope="module")
def painter(tmp_path_factory: pytest.TempPathFactory) -> Painter:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_generator(path, Generator(GeneratorSize(4, 1)), {}, side=64)
    return load_painter(str(path))


@pytest.fixture(scope="module")
def ours(painter: Painter) -> CfrGanFrontalizer:
    return CfrGanFrontalizer(load_model("builtin"), painter, size=80)


def go(scene: Scene, folder: Path, method: Method) -> tuple[dict, Path]:
    """One photo through a method: its record, and the folder."""

    class Known:
        name = "known"

        def __call__(self, photo: np.ndarray, path: Path | None = None) -> list[FoundFace]:
            box = np.concatenate((scene.points.min(0), scene.points.max(0)))
            five = five_from_68(scene.points)
            return [FoundFace(box, 1.0, five, scene.points, "known")]

    photo, out = folder / "one.png", folder / "out"
    Image.fromarray(scene.photo).save(photo)
    frontalize_photos(photo, out, Known(), method, Tally("known"))
    return json.loads((out / "frontalized.json").read_text()), out


def test_cfr_gan_leaves_all_that_it_made(
    scene: Scene, ours: CfrGanFrontalizer, tmp_path: Path
) -> None:
    record, out = go(scene, tmp_path, ByGenerator(ours, "tiny", deocclude=True))
    (face,) = record["faces"]
    names = ["crop", "restored", "mask", "deoccluded", "painted", "sheet"]
    assert list(face["files"]) == names
    assert face["files"]["restored"] == "one-restored.png"
    look, cleared = ours.look_and_deocclude(scene.photo, scene.points)
    for name, picture in (
        ("crop", look.crop),
        ("restored", look.restored.image),
        ("deoccluded", cleared.photo),
    ):
        assert np.array_equal(read_image(out / f"one-{name}.png"), picture), name
    for name, mask in (("mask", look.restored.occlusion), ("painted", cleared.mask)):
        assert mask is not None
        assert np.array_equal(read_image(out / f"one-{name}.png")[..., 1], mask * np.uint8(255))
    assert np.abs(np.array(face["points"]) - look.restored.points).max() < 1e-3
    pitch, yaw, _ = np.degrees(look.coefficients.rotation[0].numpy())
    assert (face["pitch_degrees"], face["yaw_degrees"]) == pytest.approx((pitch, yaw))
    assert record["method"] == "cfr-gan"
    assert (record["weights"], record["weights_digest"]) == ("tiny", ours.painter.weights)
    assert record["pitch_degrees"] == pytest.approx(5)
    assert (record["size"], record["generator_size"]) == (80, 64)
    assert record["coefficients"]["by"] == "fit"


def test_without_deocclusion_there_are_fewer_files(
    scene: Scene, ours: CfrGanFrontalizer, tmp_path: Path
) -> None:
    record, out = go(scene, tmp_path, ByGenerator(ours, "tiny"))
    assert list(record["faces"][0]["files"]) == ["crop", "restored", "mask", "sheet"]
    assert not (out / "one-deoccluded.png").exists()
    with pytest.raises(BadInput, match="a run with deocclude True; another folder"):
        go(scene, tmp_path, ByGenerator(ours, "tiny", deocclude=True))


def test_none_writes_the_aligned_crop(scene: Scene, tmp_path: Path) -> None:
    record, out = go(scene, tmp_path, ByNothing(72))
    (face,) = record["faces"]
    assert face["files"] == {"crop": "one-crop.png"}
    alignment = align_deep3d(five_from_68(scene.points), 72)
    assert np.array_equal(read_image(out / "one-crop.png"), alignment.crop(scene.photo))
    assert np.abs(np.array(face["points"]) - alignment.to_crop(scene.points)).max() < 1e-3
    assert face["yaw_degrees"] is None
    assert (record["method"], record["size"]) == ("none", 72)
