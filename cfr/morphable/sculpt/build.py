"""From a list of photos to the built-in face model."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cfr.morphable.builtin import DenseModel, kept_for_texture, mirrored
from cfr.morphable.sculpt.albedo import (
    distrust_others,
    make_symmetric,
    remove_light,
    sample_photos,
)
from cfr.morphable.sculpt.angles import to_angles
from cfr.morphable.sculpt.landmarks import pick_landmarks
from cfr.morphable.sculpt.mesh import Mesh, build_mesh
from cfr.morphable.sculpt.modes import build_modes
from cfr.morphable.sculpt.motion import SPAN, Frame, Motion, frame_of, solve_motion
from cfr.morphable.sculpt.people import learn_people
from cfr.morphable.sculpt.points import FEWEST_PHOTOS, label, read_list
from cfr.morphable.sculpt.regions import bare_skin, label_regions
from cfr.morphable.sculpt.spread import unfold
from cfr.morphable.sculpt.surface import build_surface
from cfr.morphable.sculpt.texture import learn_texture
from protocols.errors import BadInput

_EXPOSURE = 1.25  # makes the mean face as bright in light of zero weights as in a photo
_STRAIGHT, _WELL = np.radians(45.0), 0.96
_MOUTH, _TEETH = (0.24, 0.07, 0.07), (0.52, 0.48, 0.42)  # in the shade of the lips

Stage = Callable[[str, int], "Callable[[], None]"]
"""Announces a stage of so many steps; what it returns is called after each."""


@dataclass(frozen=True, eq=False)
class Built:
    """The model, and what to say about how it came about."""

    model: DenseModel
    notes: dict[str, float]


def build(photos: Path, root: Path, stage: Stage) -> Built:
    """Learn the model.

    Args:
        photos: The list, one path within ``root`` a line.
        root: The folder of photos.
        stage: Told what happens.

    Raises:
        BadInput: The list or a photo is absent or damaged.
        PackageUnavailable: dlib is not installed.
    """
    listed = read_list(photos, root)
    labelled = label(listed, stage("points", len(listed)))
    count = len(labelled.photos)
    if count < FEWEST_PHOTOS:
        found = f"{count} of {len(listed)}"
        raise BadInput(photos, "", f"{FEWEST_PHOTOS} photos with a face in the middle", found)
    if len(set(labelled.people)) == count:
        expected = "some people with several photos, in a folder each"
        raise BadInput(photos, "", expected, "a photo each")
    done = stage("shapes", 1)
    frame = frame_of(labelled.points)
    motion = solve_motion(frame.normalise(labelled.points))
    people = learn_people(motion, labelled.people)
    done()
    mesh = build_mesh()
    mean = build_surface(mesh, people.mean)
    landmarks, skin = pick_landmarks(mesh, mean, people.mean), unfold(mesh, mean)
    modes = build_modes(skin, landmarks, people.between, people.within)
    samples = sample_photos(
        labelled, motion, frame, people, skin, landmarks, stage("colours", count)
    )
    done = stage("texture", 1)
    albedo = remove_light(samples, skin)
    distrust_others(samples, albedo, skin)
    make_symmetric(samples, skin)
    kept = kept_for_texture(mesh)
    used = _usable(motion, frame, labelled.points)
    texture = learn_texture(
        samples.colors[used][:, kept],
        samples.trust[used][:, kept],
        albedo[kept],
        to_angles(mean)[kept],
    )
    done()
    regions = label_regions(skin, landmarks)
    model = DenseModel(
        mean_shape=mean,
        identity=modes.identity,
        expression=modes.expression,
        mean_texture=np.clip(_EXPOSURE * _mean_texture(mesh, texture.mean), 0, 1),
        texture=_EXPOSURE * mirrored(mesh, texture.modes.astype(np.float64)),
        landmarks=landmarks,
        skin=bare_skin(skin, regions),
        regions=regions,
        names=modes.names,
        low=modes.low,
        high=modes.high,
    )
    notes = {
        "photos listed": len(listed),
        "photos with a face": count,
        "photos in the texture": texture.used,
        "landmark noise (% of the face)": 100 * motion.noise / SPAN,
        "texture variance explained (%)": 100 * texture.explained,
    }
    return Built(model, notes)


def _usable(motion: Motion, frame: Frame, points: np.ndarray) -> np.ndarray:
    """Photos not too far from the front whose landmarks the shapes explain."""
    count = len(points)
    turned = (motion.shapes @ motion.rotation.transpose(0, 2, 1))[:count, :, :2]
    shown = motion.shift[:count, None] + motion.scale[:count, None, None] * turned
    error = np.linalg.norm(frame.normalise(points) - shown, axis=2)[:, 17:].mean(1)
    return (np.abs(motion.yaw[:count]) < _STRAIGHT) & (error < np.quantile(error, _WELL))


def _mean_texture(mesh: Mesh, mean: np.ndarray) -> np.ndarray:
    found = mirrored(mesh, mean[None].astype(np.float64))[0]
    inside = mesh.sheets["mouth"][1:-1]
    found[inside] = _MOUTH
    for name in ("upper teeth", "lower teeth"):
        columns = np.arange(mesh.sheets[name].shape[1])
        # A tooth is about six columns wide; between two, and towards the cheeks, it is darker.
        light = 1 - 0.12 * np.cos(np.pi * columns / 3) ** 8
        light *= 1 - 0.5 * (columns / columns.mean() - 1) ** 2
        found[mesh.sheets[name]] = np.array(_TEETH) * light[:, None]
    return found
