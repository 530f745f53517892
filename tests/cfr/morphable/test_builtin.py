from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_limits

from cfr.align import CANONICAL_FIVE, five_from_68
from cfr.camera import Camera
from cfr.mesh import reconstruct
from cfr.morphable import builtin
from cfr.morphable.builtin import DenseModel, kept_for_texture, load, save
from cfr.morphable.model import REGIONS, MorphableModel
from cfr.morphable.sculpt.landmarks import PARTNER
from cfr.morphable.sculpt.mesh import INNER_EYE, MIDDLE, OUTER_EYE, build_mesh
from cfr.morphable.sources import load_model
from cfr.render.shading import render
from protocols.errors import BadInput, BadOption, DatasetUnavailable


@pytest.fixture(scope="module")
def model() -> MorphableModel:
    return load_model("builtin")


def test_sizes_and_the_file(model: MorphableModel) -> None:
    layout = model.layout()
    assert (layout.identity, layout.expression, layout.texture, layout.size) == (80, 64, 80, 257)
    assert 35_000 < len(model.mean_shape) < 38_000
    assert builtin.FILE.stat().st_size <= 6_000_000
    assert len(model.expression_names) == 64


def test_it_stands_where_an_aligned_crop_expects_it(model: MorphableModel) -> None:
    five = five_from_68(model.mean_shape[model.landmarks].double().numpy())
    assert np.abs(five - CANONICAL_FIVE).max() < 0.05
    assert np.abs((five - CANONICAL_FIVE).mean(0)).max() < 0.01


def test_both_halves_are_alike(model: MorphableModel) -> None:
    other = model.symmetry
    flip = torch.tensor([-1.0, 1.0, 1.0])
    torch.testing.assert_close(model.mean_shape[other] * flip, model.mean_shape)
    assert (model.landmarks[PARTNER] == other[model.landmarks]).all()
    assert (model.skin[other] == model.skin).all()
    eyes = model.regions == REGIONS.index("eyes")
    modes = model.modes("texture").unflatten(1, (-1, 3))
    torch.testing.assert_close(modes[:, other][:, ~eyes], modes[:, ~eyes])
    assert (model.regions[other] == model.regions).float().mean() > 0.999


def test_every_region_is_there_and_the_skin_is_bare(model: MorphableModel) -> None:
    counts = torch.bincount(model.regions, minlength=len(REGIONS))
    assert (counts > 100).all()
    bare = {REGIONS[index] for index in model.regions[model.skin].unique().tolist()}
    assert bare == {"skin", "nose"}
    of = {name: model.regions == REGIONS.index(name) for name in REGIONS}
    landmark = model.regions[model.landmarks]
    assert (landmark[[18, 19, 20, 23, 24, 25]] == REGIONS.index("brows")).all()
    x, y, _ = model.mean_shape.unbind(1)
    cheeks = model.skin & (x.abs() > 0.25) & (x.abs() < 0.5) & (y.abs() < 0.1)
    assert model.mean_texture[of["brows"]].mean() < 0.9 * model.mean_texture[cheeks].mean()
    red = model.mean_texture[:, 0] / model.mean_texture[:, 1]
    assert red[of["lips"]].mean() > red[model.skin].mean()


def test_lips_stay_closed_for_everybody(model: MorphableModel) -> None:
    mesh = build_mesh()
    upper, lower = mesh.sheets["middle"][0], mesh.sheets["lower"][-1]
    modes = model.modes("identity").unflatten(1, (-1, 3))
    gap = (modes[:, upper] - modes[:, lower]).abs().max()
    assert gap < 1e-4


def test_an_eye_closes_over_its_ball(model: MorphableModel) -> None:
    """From the front, no pixel of the eyeball is left to see."""
    names, camera = list(model.expression_names), Camera()
    mean = model.layout().zeros(1)
    weights = mean.expression.clone()
    for side in ("left", "right"):
        weights[0, names.index(f"blink {side}")] = model.expression_high[0]
    eyes = (model.regions == REGIONS.index("eyes")).float()[None, :, None].expand(1, -1, 3)
    shown = []
    for face in (mean, replace(mean, expression=weights)):
        mesh = replace(reconstruct(model, face), colors=eyes)
        shown.append(int((render(mesh, camera).image[0, 0] > 0.5).sum()))
    assert shown[0] > 100
    assert shown[1] <= 0.02 * shown[0]


def test_a_wide_mouth_shows_its_inside(model: MorphableModel) -> None:
    names, camera = list(model.expression_names), Camera()
    mean = model.layout().zeros(1)
    weights = mean.expression.clone()
    weights[0, names.index("jaw open")] = model.expression_high[0]
    inside = [REGIONS.index("mouth"), REGIONS.index("teeth")]
    inner = torch.isin(model.regions, torch.tensor(inside)).float()[None, :, None].expand(1, -1, 3)
    shown, covered = [], []
    for face in (mean, replace(mean, expression=weights)):
        mesh = replace(reconstruct(model, face), colors=inner)
        image, coverage = render(mesh, camera)
        shown.append(int((image[0, 0] > 0.5).sum()))
        covered.append(coverage)
    assert shown[0] < 40 < 500 < shown[1]
    # Nothing of the background shines through: the face has no hole.
    from scipy.ndimage import binary_fill_holes

    filled = binary_fill_holes(covered[1][0].numpy())
    assert (filled & ~covered[1][0].numpy()).sum() == 0


def test_weights_have_limits(model: MorphableModel) -> None:
    names = list(model.expression_names)
    assert model.expression_low[names.index("jaw open")] == 0
    assert model.expression_low[-1] < 0
    assert (model.expression_high > 0).all()


def test_loading_twice_is_the_same_model_and_the_file_names_it(
    model: MorphableModel, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.npz"
    copy.write_bytes(builtin.FILE.read_bytes())
    again = load_model(f"builtin:{copy}")
    assert again.digest == model.digest
    assert torch.equal(again.modes("identity"), model.modes("identity"))


def test_however_many_threads_load_it_the_numbers_are_the_same() -> None:
    with threadpool_limits(1):
        one = dict(load().named_buffers())
    with threadpool_limits(3):
        three = dict(load().named_buffers())
    for name, buffer in one.items():
        assert torch.equal(buffer, three[name]), name


def test_packing_keeps_smooth_shapes_and_textures(model: MorphableModel, tmp_path: Path) -> None:
    mesh = build_mesh()
    mean = model.mean_shape.double().numpy()
    rng = np.random.default_rng(0)
    wave = np.sin(mean @ rng.normal(0, 1.5, (3, 5)))
    shape = np.stack([0.02 * one[:, None] * rng.normal(size=3) for one in wave.T])
    texture = np.zeros((2, mesh.vertices, 3))
    kept = kept_for_texture(mesh)
    texture[:, kept] = rng.uniform(-0.2, 0.2, (2, len(kept), 3))
    eyes = mesh.of("left eye", "right eye")
    half = kept[~eyes[kept]]
    texture[:, mesh.symmetry[half]] = texture[:, half]
    dense = DenseModel(
        mean_shape=mean,
        identity=shape[:3],
        expression=shape[3:],
        mean_texture=model.mean_texture.double().numpy(),
        texture=texture,
        landmarks=model.landmarks.numpy(),
        skin=model.skin.numpy(),
        regions=model.regions.numpy(),
        names=("one", "two"),
        low=np.zeros(2),
        high=np.ones(2),
    )
    save(tmp_path / "a.npz", dense)
    save(tmp_path / "b.npz", dense)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    found = load(tmp_path / "a.npz")
    unpacked = found.modes("identity").unflatten(1, (-1, 3)).numpy()
    skin = mesh.skin
    error = np.abs(unpacked[:, skin] - shape[:3][:, skin]) / np.abs(shape).max()
    assert np.quantile(error, 0.99) < 0.01
    assert error.max() < 0.1
    error = np.abs(found.modes("texture").unflatten(1, (-1, 3)).numpy() - texture).max()
    assert error < 0.2 / 127


def test_the_eyes_are_open(model: MorphableModel) -> None:
    sheets = build_mesh().sheets
    columns = MIDDLE + np.arange(INNER_EYE + 5, OUTER_EYE - 4)
    upper = model.mean_shape[sheets["upper"][0, columns], 1]
    lower = model.mean_shape[sheets["middle"][-1, columns], 1]
    assert (upper - lower).min() > 0.03


def test_damaged_files_and_wrong_names_are_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetUnavailable, match=r"build_face_model\.py"):
        load(tmp_path / "absent.npz")
    broken = tmp_path / "broken.npz"
    broken.write_bytes(builtin.FILE.read_bytes()[:5000])
    with pytest.raises(BadInput, match=r"broken\.npz.*format"):
        load(broken)
    other = tmp_path / "other.npz"
    np.savez(other, format=np.array("something else"))
    with pytest.raises(BadInput, match="something else"):
        load(other)
    content = dict(np.load(builtin.FILE))
    content["mean_shape"] = np.array([object()], object)
    np.savez(other, **content)
    with pytest.raises(BadInput):
        load(other)
    with pytest.raises(BadOption, match="builtin"):
        load_model("basel")
