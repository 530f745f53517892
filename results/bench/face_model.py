"""How good the built-in face model is, judged by dlib.

dlib's recognizer had no part in it. Its detector and its 68 points had: the photos that the model
was learned from were found and aligned by them, so that their figures say how well the model
learned what dlib sees.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float64, UInt8

from results.bench.timing import Quality, Timing, time_pairs

if TYPE_CHECKING:
    from cfr.morphable.model import MorphableModel
    from cfr.synthetic.scene import Scene

SEEDS = (41, 42, 43)
"""None of them was looked at while the model was made."""
_PEOPLE, _COMPARED, _PHOTOS_EACH, _BATCH = 200, 100, 3, 20
_FOLDS, _SAME_BELOW = 10, 0.6
_HELD_OUT = 120


@dataclass(frozen=True, eq=False)
class Judge:
    """dlib's detector, its 68 points and its recognizer, whose descriptors are 128 numbers."""

    detector: Any
    predictor: Any
    recognizer: Any

    def look(
        self, photo: UInt8[np.ndarray, "h w 3"]
    ) -> tuple[Float64[np.ndarray, "68 2"], Float64[np.ndarray, "128"]] | None:
        """Points and descriptor of the surest face, None where there is none; upsampled once."""
        boxes, scores, _ = self.detector.run(photo, 1, 0.0)
        if not len(boxes):
            return None
        found = self.predictor(photo, boxes[int(np.argmax(scores))])
        return _points(found), np.array(self.recognizer.compute_face_descriptor(photo, found))

    def describe(
        self, photo: UInt8[np.ndarray, "h w 3"], points: Float64[np.ndarray, "68 2"]
    ) -> Float64[np.ndarray, "128"]:
        """The descriptor of a face whose points are known."""
        from cfr.landmarks.with_dlib import require_dlib

        dlib = require_dlib()
        (left, top), (right, bottom) = points.min(0), points.max(0)
        box = dlib.rectangle(int(left), int(top), int(right), int(bottom))
        parts = dlib.points([dlib.point(int(x), int(y)) for x, y in np.round(points)])
        found = dlib.full_object_detection(box, parts)
        return np.array(self.recognizer.compute_face_descriptor(photo, found))


def load_judge() -> Judge:
    """Load dlib's three networks.

    Raises:
        PackageUnavailable: dlib or its weights are not installed.
    """
    from cfr.landmarks.with_dlib import PREDICTOR_FILE, require_dlib, weights

    dlib = require_dlib()
    return Judge(
        dlib.get_frontal_face_detector(),
        dlib.shape_predictor(str(weights(PREDICTOR_FILE))),
        dlib.face_recognition_model_v1(str(weights("dlib_face_recognition_resnet_model_v1.dat"))),
    )


def measure(root: Path | None, repeats: int) -> Iterator[Timing | Quality]:
    """Random identities by three seeds; reconstructions of held-out photos, where LFW is."""
    from cfr.morphable import builtin
    from protocols.errors import DatasetUnavailable

    def unzip() -> None:
        with np.load(builtin.FILE) as archive:
            for name in archive.files:
                archive[name]

    yield time_pairs("load builtin", builtin.load, "unzip its file", unzip, repeats)
    model, judge = builtin.load(), load_judge()
    for seed in SEEDS:
        yield from _random_people(model, judge, seed)
    try:
        yield from _held_out(model, judge, root)
    except DatasetUnavailable as error:
        yield Quality("reconstructions of held-out photos", None, "", 0, f"unavailable: {error}")


def _random_people(model: "MorphableModel", judge: Judge, seed: int) -> Iterator[Quality]:
    from eval.nme import box_size, normalised_mean_error

    seen, truth, points, people, descriptors = 0, [], [], [], []
    for person, scene in _scenes(model, seed):
        first = scene.seed % _PHOTOS_EACH == 0
        looked = judge.look(scene.photo)
        if looked is None or not _is_there(looked[0], scene.points):
            continue
        seen += first
        if first:
            points.append(looked[0])
            truth.append(scene.points)
        if person < _COMPARED:
            people.append(person)
            descriptors.append(looked[1])
    found, given = np.stack(points), np.stack(truth)
    size = box_size(given)
    errors = normalised_mean_error(found, given, size)
    inner = normalised_mean_error(found[:, 17:], given[:, 17:], size)
    same, distance = _all_pairs(np.array(people), np.stack(descriptors))
    accuracy = _accuracy(np.array(people), np.stack(descriptors))
    label = f"random people, seed {seed}"
    true, false = (distance[same] < _SAME_BELOW).mean(), (distance[~same] < _SAME_BELOW).mean()
    strict = np.quantile(distance[same], 0.97)
    yield Quality(f"{label}: dlib finds", 100 * seen / _PEOPLE, "≥ 96 %", _PEOPLE)
    yield Quality(f"{label}: NME of 68 points", errors.mean(), "≤ 4 %", len(errors))
    yield Quality(f"{label}: its 95th percentile", np.quantile(errors, 0.95), "≤ 6 %", len(errors))
    yield Quality(f"{label}: NME of the inner 51", inner.mean(), "≤ 2.5 %", len(inner))
    yield Quality(f"{label}: pair accuracy", 100 * accuracy, "≥ 95 %", len(people))
    yield Quality(
        f"{label}: false matches at 97 % true ones",
        100 * (distance[~same] <= strict).mean(),
        "≤ 25 %",
        int((~same).sum()),
        f"at dlib's own 0.6: {100 * true:.1f} % true, {100 * false:.1f} % false",
    )


def _is_there(found: np.ndarray, truth: np.ndarray) -> bool:
    """Whether points belong to the face and not to a blotch: their boxes overlap by half."""
    low = np.maximum(found.min(0), truth.min(0))
    high = np.minimum(found.max(0), truth.max(0))
    both = np.prod(np.clip(high - low, 0, None))
    either = np.prod(np.ptp(found, axis=0)) + np.prod(np.ptp(truth, axis=0)) - both
    return bool(both > 0.5 * either)


def _scenes(model: "MorphableModel", seed: int) -> "Iterator[tuple[int, Scene]]":
    """Each person once; those that are compared, thrice."""
    from cfr.synthetic.identity import IdentitySampler
    from cfr.synthetic.scene import draw_scenes

    sampler = IdentitySampler(model)
    for first in range(0, _PEOPLE, _BATCH):
        numbers = range(first, first + _BATCH)
        people = [sampler.draw(1_000_000 * seed + number) for number in numbers]
        for time in range(_PHOTOS_EACH if first < _COMPARED else 1):
            seeds = [_PHOTOS_EACH * one.seed + time for one in people]
            yield from zip(numbers, draw_scenes(model, people, seeds), strict=True)


def _all_pairs(people: np.ndarray, descriptors: np.ndarray) -> tuple[Bool[np.ndarray, " p"], Any]:
    one, two = np.triu_indices(len(people), 1)
    distance = np.linalg.norm(descriptors[one] - descriptors[two], axis=1)
    return people[one] == people[two], distance


def _accuracy(people: np.ndarray, descriptors: np.ndarray) -> float:
    """Mean of true and false matches got right; the threshold comes from other people.

    Folds share no person: a pair belongs to a fold if both its people do.
    """
    fold = people % _FOLDS
    scores = []
    for held in range(_FOLDS):
        same, distance = _all_pairs(people[fold != held], descriptors[fold != held])
        tried = np.linspace(0.2, 1.0, 161)
        right = [(distance[same] < one).mean() + (distance[~same] >= one).mean() for one in tried]
        best = tried[int(np.argmax(right))]
        same, distance = _all_pairs(people[fold == held], descriptors[fold == held])
        scores.append(((distance[same] < best).mean() + (distance[~same] >= best).mean()) / 2)
    return float(np.mean(scores))


def _held_out(model: "MorphableModel", judge: Judge, root: Path | None) -> Iterator[Quality]:
    """Photos of people in LFW's View 2, none of whom the model was learned from."""
    from protocols.errors import DatasetUnavailable

    photos, front, turned, missed = [], [], [], 0
    for path in _view2_photos(root):
        described = _reconstruct(model, judge, path)
        missed += described is None
        if described is not None:
            for one, kept in zip(described, (photos, front, turned), strict=True):
                kept.append(one)
        if len(photos) == _HELD_OUT:
            break
    if len(photos) < _HELD_OUT:
        how = f"{_HELD_OUT} photos of people in pairs.txt are needed, {len(photos)} were usable"
        raise DatasetUnavailable("Labeled Faces in the Wild", root or Path("data/lfw"), how)
    for name, made, bar in (("front", front, "≥ 80 %"), ("30°", turned, "≥ 65 %")):
        distance = np.linalg.norm(np.stack(photos)[:, None] - np.stack(made)[None], axis=2)
        first = 100 * (distance.argmin(1) == np.arange(len(photos))).mean()
        note = f"photo against all reconstructions; no face found in {missed} more photos"
        yield Quality(f"reconstructions, {name}: rank 1", first, bar, len(photos), note)


def _view2_photos(root: Path | None) -> Iterator[Path]:
    """One photo each of people in ``pairs.txt``, in a random order that is always the same."""
    from protocols.errors import BadInput, DatasetUnavailable
    from protocols.roots import require_root

    how = "python scripts/fetch.py lfw"
    folder = require_root("lfw", "Labeled Faces in the Wild", how, root)
    pairs = folder / "pairs.txt"
    photos = next((one for one in sorted(folder.glob("lfw*")) if one.is_dir()), None)
    if not pairs.is_file() or photos is None:
        raise DatasetUnavailable("Labeled Faces in the Wild", pairs, how)
    lines = [line.split("\t") for line in pairs.read_text().splitlines()[1:]]
    people = sorted({words[place] for words in lines for place in range(0, len(words) - 1, 2)})
    if not people:
        raise BadInput(pairs, "", "pairs of photos", "none")
    for number in np.random.default_rng(0).permutation(len(people)).tolist():
        path = photos / people[number] / f"{people[number]}_0001.jpg"
        if path.is_file():
            yield path


def _reconstruct(
    model: "MorphableModel", judge: Judge, path: Path
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Descriptors of a photo and of its reconstruction from the front and at 30°."""
    import torch

    from cfr.align import align_deep3d, five_from_68
    from cfr.camera import Camera
    from cfr.fit import FitSettings, fit
    from cfr.mesh import reconstruct
    from cfr.render.shading import render
    from protocols.images import read_image

    photo = read_image(path)
    looked = judge.look(photo)
    if looked is None:
        return None
    points, described = looked
    alignment, camera = align_deep3d(five_from_68(points)), Camera()
    crop = torch.from_numpy(alignment.crop(photo)).permute(2, 0, 1)[None].float() / 255
    at = torch.from_numpy(alignment.to_crop(points))[None].float()
    fitted = fit(model, at, crop, camera, FitSettings(contour="sliding").for_clean_photos())
    found = [described]
    for yaw in (0.0, np.radians(30)):
        pose = torch.tensor([[0.0, float(yaw), 0.0]])
        mesh = reconstruct(model, replace(fitted, rotation=pose))
        image, coverage = render(mesh, camera)
        image = torch.where(coverage[:, None], image.clamp(0, 1), 0.5)
        picture = np.round(255 * image[0].permute(1, 2, 0).numpy()).astype(np.uint8)
        shown = camera.project(mesh.vertices[:, model.landmarks])[0, :, :2].double().numpy()
        found.append(judge.describe(np.ascontiguousarray(picture), shown))
    return found[0], found[1], found[2]


def _points(found: Any) -> np.ndarray:
    return np.array([(point.x, point.y) for point in found.parts()], np.float64)
