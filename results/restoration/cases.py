"""Faces whose unoccluded truth is known: what restorations are measured on."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float64, UInt8

from cfr.landmarks.face import Landmarker
from cfr.landmarks.policy import choose
from protocols import masked_pairs
from protocols.errors import BadInput
from results.export.work import Show, no_bar
from results.making_pairs import PEOPLE
from results.record import World

if TYPE_CHECKING:
    from cfr.morphable.model import MorphableModel

RENDER_SEED = 70_000_000
"""People and scenes of the renders: this number and those after it. Whatever is trained on made-up
people takes seeds below :data:`results.making_pairs.PEOPLE`."""
KINDS = ("hand", "mask", "glasses", "scarf", "hair", "phone")
"""Occluders of the renders, equally often."""
_AT_ONCE = 25
_CLOSE_DEGREES = 15.0  # yaw and pitch of a frontal face, at most


@dataclass(frozen=True, eq=False)
class Case:
    """A face to restore, and the truth.

    Attributes:
        name: What figures call it.
        photo: What the method sees, RGB.
        points: ``(68, 2)`` iBUG-68 points in the photo's pixels, as found or known.
        truth: The same photo with nothing in front of the face.
        hidden: What something is in front of; None where nothing is.
    """

    name: str
    photo: UInt8[np.ndarray, "h w 3"]
    points: Float64[np.ndarray, "68 2"]
    truth: UInt8[np.ndarray, "h w 3"]
    hidden: Bool[np.ndarray, "h w"] | None


@dataclass(frozen=True, eq=False)
class CaseSet:
    """Cases of one data set.

    Attributes:
        name: Part of the table's name.
        title: In words.
        world: Whether the photos are real.
        occluded: Whether something is in front of the faces.
        cases: The faces.
        faceless: Names of photos in which no face was found.
        note: What a reader has to know.
        inputs: Digest of what was read.
        absent: Why there are no cases; empty if there are.
    """

    name: str
    title: str
    world: World
    occluded: bool
    cases: tuple[Case, ...]
    faceless: tuple[str, ...] = ()
    note: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    absent: str = ""


def load_masked(root: Path, landmarker: Landmarker, show: Show = no_bar) -> CaseSet:
    """The pairs of :mod:`protocols.masked_pairs`, with points found on the masked photos.

    Raises:
        DatasetUnavailable: There is none.
        BadInput: A photo is damaged, or without its pair.
    """
    pairs, digest = masked_pairs.load(root), hashlib.sha256()
    cases, faceless = [], []
    with show("masked pairs", len(pairs)) as advance:
        for pair in pairs:
            masked, plain = pair.read()
            for one in (masked, plain):
                digest.update(one.tobytes())
            points = find_points(landmarker, masked, pair.masked)
            if points is None:
                faceless.append(pair.name)
            else:
                hidden = masked_pairs.true_mask(masked, plain)
                cases.append(Case(pair.name, masked, points, plain, hidden))
            advance(1)
    return CaseSet(
        name="masked-pairs",
        title="photos with and without a mask",
        world="real",
        occluded=True,
        cases=tuple(cases),
        faceless=tuple(faceless),
        note="The masks are clip art, pasted onto real photos: no photo shows a person with a mask "
        "on. The true mask is where the two photos of a pair differ; points were found on the "
        "masked photo.",
        inputs={"masked-pairs (pixels)": digest.hexdigest()},
    )


def draw_renders(
    model: "MorphableModel", count: int, *, occluded: bool, show: Show = no_bar
) -> CaseSet:
    """Photos of made-up people, one scene each, with exact points.

    Args:
        model: The face model.
        count: How many people.
        occluded: Whether something is in front of each face; otherwise they are nearly frontal.
        show: Progress.
    """
    from cfr.synthetic.identity import IdentitySampler
    from cfr.synthetic.scene import SceneSettings, draw_scenes

    settings = SceneSettings(occluders=KINDS)
    if not occluded:
        settings = SceneSettings(yaw_degrees=_CLOSE_DEGREES)
    sampler = IdentitySampler(model)
    first = RENDER_SEED + (0 if occluded else 1_000_000)
    cases: list[Case] = []
    with show("drawing made-up people", count) as advance:
        for start in range(first, first + count, _AT_ONCE):
            seeds = list(range(start, min(start + _AT_ONCE, first + count)))
            people = [sampler.draw(seed) for seed in seeds]
            for scene in draw_scenes(model, people, seeds, settings):
                kind = scene.occluder.kind if scene.occluder else "nothing"
                hidden = scene.occlusion & scene.coverage if occluded else None
                truth = scene.unoccluded if occluded else scene.photo
                name = f"{scene.seed - first + 1} {kind}"
                cases.append(Case(name, scene.photo, scene.points, truth, hidden))
            advance(len(seeds))
    drawn = f"drawn {', '.join(KINDS)}" if occluded else "nothing in front of them"
    return CaseSet(
        name="renders" if occluded else "unoccluded-renders",
        title=f"made-up people, {drawn}",
        world="synthetic",
        occluded=occluded,
        cases=tuple(cases),
        note=f"People and scenes have the seeds {first:,} to {first + count - 1:,}; training takes "
        f"such below {PEOPLE:,}. They come from the face model that is fitted, with skin that its "
        "modes cannot express. Points are exact.",
        inputs={"face model": model.digest},
    )


def load_frontal(
    root: Path, model: "MorphableModel", landmarker: Landmarker, count: int, show: Show = no_bar
) -> CaseSet:
    """Nearly frontal photos of LFW's folds 1 to 4, one a person, in the order of their names.

    Frontal is by a fit to the found points: |yaw| and |pitch| within 15°.

    Raises:
        DatasetUnavailable: Photos or list are absent.
        BadInput: The list is malformed, or a photo damaged.
    """
    cases: list[Case] = []
    faceless: list[str] = []
    digest = hashlib.sha256()
    with show("frontal photos of LFW", count) as advance:
        for name, photo, path in _first_photos(root):
            if len(cases) == count:
                break
            points = find_points(landmarker, photo, path)
            if points is None:
                faceless.append(name)
            elif _frontal(model, points):
                digest.update(photo.tobytes())
                cases.append(Case(name, photo, points, photo, None))
                advance(1)
    return CaseSet(
        name="unoccluded-lfw",
        title="frontal photos of LFW's folds 1 to 4",
        world="real",
        occluded=False,
        cases=tuple(cases),
        faceless=tuple(faceless),
        note="One photo a person, in the order of names; a fit to the found points says that yaw "
        "and pitch lie within 15°. Some wear glasses or a beard: nobody chose by eye.",
        inputs={"LFW (pixels)": digest.hexdigest()},
    )


def _first_photos(root: Path) -> Iterator[tuple[str, np.ndarray, Path]]:
    """The first photo of each person of folds 1 to 4 that is there."""
    from protocols import lfw

    protocol = lfw.load(root, missing="failure-to-enrol")
    pairs, templates, samples = protocol.pairs, protocol.templates, protocol.samples
    if pairs.fold is None:
        raise BadInput(root, lfw.LIST, "folds", "none")
    early = pairs.fold < 4
    wanted = np.unique(np.concatenate((pairs.left[early], pairs.right[early])))
    chosen: dict[int, int] = {}
    for template in wanted.tolist():
        index = int(templates.sample[np.flatnonzero(templates.template == template)[0]])
        if not samples.absent[index]:
            chosen.setdefault(int(templates.subjects[template]), index)
    names = samples.photos.names
    for index in sorted(chosen.values(), key=lambda one: names[int(samples.photo[one])]):
        at = int(samples.photo[index])
        yield Path(names[at]).stem, samples.photos.read(at), Path(names[at])


def find_points(
    landmarker: Landmarker, photo: UInt8[np.ndarray, "h w 3"], path: Path
) -> Float64[np.ndarray, "68 2"] | None:
    """The 68 points of a photo's largest face; None where there is none.

    Raises:
        BadInput: The source gives five points only.
    """
    faces = landmarker(photo, path)
    if not faces:
        return None
    return choose(faces, photo.shape[:2], "largest", path, landmarker.name)[0].require_68(path)


def _frontal(model: "MorphableModel", points: Float64[np.ndarray, "68 2"]) -> bool:
    import torch

    from cfr.align import align_deep3d, five_from_68
    from cfr.fit import FitSettings, fit_points

    at = align_deep3d(five_from_68(points)).to_crop(points)
    given = torch.from_numpy(at).float()[None]
    found = fit_points(model, given, settings=FitSettings(contour="sliding"))
    return bool((found.rotation[0, :2].abs().rad2deg() <= _CLOSE_DEGREES).all())
