"""Sheets of a folder: which photos are on which page, and what is named instead."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cfr.morphable.sources import load_model
from cfr.synthetic.identity import IdentitySampler
from cfr.synthetic.scene import SceneSettings, draw_scenes
from protocols.errors import BadInput, BadOption
from protocols.images import read_image, save_image
from results.comparing import Compare, compare
from results.figures.comparisons import draw_comparisons


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three faces with their points, a photo without any, a damaged one; and weights."""
    import torch

    from cfr.gan.generator import Generator, GeneratorSize
    from cfr.gan.weights import save_generator

    root = tmp_path_factory.mktemp("photos")
    model = load_model("builtin")
    people = [IdentitySampler(model).draw(seed) for seed in range(3)]
    scenes = draw_scenes(model, people, [0, 1, 2], SceneSettings(size=96, noise=0.0))
    (root / "photos").mkdir()
    lines = ["file," + ",".join(f"{axis}{at}" for at in range(1, 69) for axis in "xy")]
    for at, scene in enumerate(scenes):
        save_image(root / "photos" / f"{at}.png", scene.photo)
        lines.append(f"{at}.png," + ",".join(str(one) for one in scene.points.ravel()))
    (root / "points.csv").write_text("\n".join(lines) + "\n")
    save_image(root / "photos" / "none.png", np.zeros((50, 50, 3), np.uint8))
    (root / "photos" / "zz.png").write_bytes(b"no picture")
    torch.manual_seed(0)
    net = Generator(GeneratorSize(width=4, blocks=1))
    save_generator(root / "tiny.safetensors", net, {"seed": "0"}, side=64)
    (root / "theirs").mkdir()
    for name in ("0", "0_occ", "00"):
        save_image(root / "theirs" / f"{name}.png", np.full((32, 32, 3), 77, np.uint8))
    return root


def config(folder: Path, out: Path, **changes: object) -> Compare:
    given = {
        "weights": str(folder / "tiny.safetensors"),
        "landmarks": "sidecar",
        "landmarks_root": folder / "points.csv",
        "rows": 2,
    }
    return Compare(folder / "photos", out, **{**given, **changes})


def test_pages_and_photos_without_a_face(folder: Path, tmp_path: Path) -> None:
    found = compare(config(folder, tmp_path / "out", beside=folder / "theirs"))
    assert [one.name for one in found.pages] == ["sheet-1.png", "sheet-2.png"]
    assert found.shown == 3
    assert found.faceless == ["none.png"]
    assert found.damaged == ["zz.png"]
    first, second = (read_image(one) for one in found.pages)
    assert first.shape[0] > 1.5 * second.shape[0]  # two rows, and one
    told = "\n".join(found.sentences())
    assert "no face was found in none.png" in told
    assert "damaged: zz.png" in told


def test_a_photos_row_has_what_lies_beside_it(folder: Path, tmp_path: Path) -> None:
    from results.comparing import Columns

    columns = Columns.load(config(folder, tmp_path, beside=folder / "theirs", yaw=20.0))
    path = folder / "photos" / "0.png"
    row = columns.row(read_image(path), path, "a/0")
    assert row is not None
    own = [name for name in row if name != "rotate-and-render"]
    expected = ["a/0", "R_p", "R_e", "ours", "mask", "de-occluded", "theirs", "theirs_occ"]
    assert own == expected  # not 00.png
    assert (row["theirs"] == 77).all()
    front = replace(columns, ours=replace(columns.ours, yaw=0.0), beside=None)
    still = front.row(read_image(path), path, "a/0")
    assert still is not None
    assert (still["R_e"] != row["R_e"]).any()  # another yaw
    assert (still["a/0"] == row["a/0"]).all()


def test_a_missing_column_leaves_its_place_empty() -> None:
    grey = np.zeros((8, 8, 3), np.uint8)
    figure = draw_comparisons([{"one": grey, "ours": grey, "theirs": grey}, {"two": grey}])
    shown = [len(axis.get_images()) for axis in figure.axes]
    assert shown == [1, 1, 1, 1, 0, 0]
    assert [axis.get_ylabel() for axis in figure.axes[::3]] == ["one", "two"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"yaw": 91.0}, "−90 to 90"),
        ({"rows": 0}, "1 to 100"),
        ({"most": 0}, "at least 1"),
        ({"beside": Path("/no/such")}, "a folder of pictures"),
    ],
)
def test_what_no_sheet_can_be_drawn_with(folder: Path, changes: dict, told: str) -> None:
    with pytest.raises(BadOption, match=told):
        config(folder, folder / "out", **changes)


def test_a_damaged_picture_beside_a_photo_is_named(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "0_occ.png").write_text("no picture")
    with pytest.raises(BadInput, match=r"0_occ\.png"):
        compare(config(folder, tmp_path / "out", beside=tmp_path / "theirs"))


def test_a_folder_without_photos_is_an_error(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="pictures"):
        compare(Compare(tmp_path, tmp_path / "out", weights=str(folder / "tiny.safetensors")))
