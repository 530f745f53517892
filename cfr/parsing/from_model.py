"""A parser without a network: the parts of the fitted face model, drawn over the photo.

It says where a face's parts have to be, not what the photo shows there. It finds no glasses, no
hair and no hand, and it sees an eye where the photo's is covered. What it calls skin reaches as far
as the face model does.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor

from cfr.camera import place
from cfr.fit.parts import kept
from cfr.morphable.model import REGIONS, MorphableModel
from cfr.parsing.outlines import label_by_outlines, lids
from cfr.parsing.types import FACE, FittedFaces, Label
from cfr.render.rasterizer import covered_corners, rasterize
from cfr.types import Fragments

_FINDS = FACE | {Label.BACKGROUND}
_PAIRED = {
    "eyes": (Label.RIGHT_EYE, Label.LEFT_EYE),
    "brows": (Label.RIGHT_BROW, Label.LEFT_BROW),
    "lips": (Label.LOWER_LIP, Label.UPPER_LIP),
}
_SINGLE = {
    "skin": Label.SKIN,
    "nose": Label.NOSE,
    "mouth": Label.INNER_MOUTH,
    "teeth": Label.INNER_MOUTH,
}
_CORNERS = (48, 54)
_OVER, _UNDER = (61, 62, 63), (67, 66, 65)  # the edges of the lips where they meet


@dataclass(frozen=True)
class ModelParser:
    """Draws the fitted face; a :class:`cfr.parsing.types.FaceParser`.

    A model with regions gives its own. One without, such as the Basel Face Model, gets outlines of
    its landmarks (:mod:`cfr.parsing.outlines`), and lids over eyes and mouth, which may be holes.
    """

    @property
    def name(self) -> str:
        """What tables call it."""
        return "model"

    @property
    def identity(self) -> Mapping[str, str]:
        """The method; all else that decides is in the fitted faces."""
        return {"method": self.name, "torch": str(torch.__version__)}

    @property
    def finds(self) -> frozenset[Label]:
        """Face parts alone; no ears, hair, glasses, neck or cloth."""
        return _FINDS

    @torch.no_grad()
    def parse(self, photo: Float[Tensor, "b 3 s s"], faces: FittedFaces) -> Int64[Tensor, "b s s"]:
        """Label every pixel by the part of the fitted face that it shows.

        Args:
            photo: RGB in [0, 1]; only its size and number count.
            faces: On the face model's device, where the answer is too.

        Raises:
            ValueError: There are more or fewer faces than photos.
            WrongFaceModel: The coefficients belong to another face model.
        """
        model, coefficients = faces.model, faces.coefficients
        if len(coefficients.rotation) != len(photo):
            raise ValueError(f"{len(photo)} photos, {len(coefficients.rotation)} fitted faces")
        size, triangles = photo.shape[-1], model.triangles
        shape = model.shape(coefficients)
        vertices = place(shape, coefficients.rotation, coefficients.translation)
        if len(model.regions):
            labels = _by_regions(model, len(photo))
        else:
            labels = label_by_outlines(shape, model.landmarks)
            added, of_added = lids(model.landmarks, len(model.mean_shape))
            triangles = torch.cat((triangles, added))
            vertices = torch.cat((vertices, vertices[:, model.landmarks]), dim=1)
            labels = torch.cat((labels, of_added.expand(len(photo), -1)), dim=1)
        points = faces.camera.resized(size).project(vertices)
        return label_pixels(rasterize(points, triangles, size, size), triangles, labels)


def parse_drawn(fragments: Fragments, faces: FittedFaces) -> Int64[Tensor, "b s s"]:
    """As :meth:`ModelParser.parse`, of faces that are drawn already.

    Args:
        fragments: Of the faces' own vertices and triangles, in their camera.
        faces: The faces; a model without regions is drawn again, with lids.
    """
    model = faces.model
    if len(model.regions):
        return label_pixels(fragments, model.triangles, _by_regions(model, len(fragments.face)))
    return ModelParser().parse(fragments.barycentric.permute(0, 3, 1, 2), faces)


def _by_regions(model: MorphableModel, batch: int) -> Tensor:
    """:func:`label_by_regions`, once a model, for each face of a batch."""
    return kept(model, "labels", 0, lambda: label_by_regions(model)).expand(batch, -1)


def label_by_regions(model: MorphableModel) -> Int64[Tensor, " v"]:
    """What each vertex is, by the model's own regions.

    Sides are told apart on the mean face: by x for eyes and brows; for the lips by the line where
    they meet, and as their rims lie on it, by the middle of a vertex's triangles.

    Returns:
        Values of :class:`Label`.
    """
    at, points = model.mean_shape, model.mean_shape[model.landmarks]
    right = at[:, 0] > 0  # the image's, which is the person's left
    middle = _middle_of_lips(model)
    upper = middle[:, 1] > _meeting_line(points, middle[:, 0].contiguous())
    found = torch.full_like(model.regions, Label.SKIN)
    for name, label in _SINGLE.items():
        found[model.regions == REGIONS.index(name)] = label
    for name, (no, yes) in _PAIRED.items():
        chosen = torch.where(upper if name == "lips" else right, yes.value, no.value)
        found = torch.where(model.regions == REGIONS.index(name), chosen, found)
    return found


def label_pixels(
    fragments: Fragments, triangles: Int[Tensor, "f 3"], labels: Int64[Tensor, "b v"]
) -> Int64[Tensor, "b h w"]:
    """The label that weighs most among the corners of each pixel's triangle; 0 without one.

    Args:
        fragments: Of the rasterizer.
        triangles: What it drew.
        labels: Of the vertices.
    """
    face = fragments.face
    pixel, corners = covered_corners(face, triangles, labels.shape[1])
    around = labels.reshape(-1).index_select(0, corners).view(-1, 3)
    weights = fragments.barycentric.reshape(-1, 3).index_select(0, pixel)
    same = around[:, :, None] == around[:, None]
    best = (same * weights[:, None]).sum(2).argmax(1, keepdim=True)
    found = torch.full((face.numel(),), Label.BACKGROUND, dtype=torch.int64, device=face.device)
    found[pixel] = around.gather(1, best).squeeze(1)
    return found.view(face.shape)


def _middle_of_lips(model: MorphableModel) -> Float[Tensor, "v 3"]:
    """The mean middle of the triangles of lips around each vertex; itself where there is none."""
    at, lips = model.mean_shape, model.regions == REGIONS.index("lips")
    triangles = model.triangles[lips[model.triangles].all(1)]
    corners, middles = triangles.reshape(-1), at[triangles].mean(1).repeat_interleave(3, 0)
    total = torch.zeros_like(at).index_add(0, corners, middles)
    number = torch.bincount(corners, minlength=len(at))[:, None]
    return torch.where(number > 0, total / number.clamp_min(1), at)


def _meeting_line(points: Float[Tensor, "68 3"], x: Float[Tensor, " v"]) -> Float[Tensor, " v"]:
    """Height of the line between the lips at each x: from corner to corner, level beyond them."""
    first, last = points[list(_CORNERS)]
    middle = (points[list(_OVER)] + points[list(_UNDER)]) / 2
    line = torch.stack((first, *middle, last))[:, :2]
    knots, heights = line.T.contiguous()
    after = torch.searchsorted(knots, x).clamp(1, len(knots) - 1)
    start, end = knots[after - 1], knots[after]
    share = ((x - start) / (end - start)).clamp(0, 1)
    return torch.lerp(heights[after - 1], heights[after], share)
