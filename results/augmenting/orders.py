"""What versions are made by: names and paths that every process loads for itself."""

from dataclasses import dataclass
from functools import lru_cache

from cfr.frontalizers.cfr_gan import CfrGanFrontalizer
from cfr.frontalizers.coefficients import ByFit, CoefficientSource, load_regressor
from cfr.frontalizers.painting import PaintingFrontalizer
from cfr.frontalizers.render import RenderFrontalizer
from cfr.frontalizers.rotate_and_render import RotateAndRenderFrontalizer
from cfr.gan.sources import DEFAULTS, load_painter
from cfr.morphable.model import MorphableModel
from recognizers.templates import Points
from results.augmenting.options import Method
from results.pair_orders import face_model

RENDERED_SIZE = 224
"""Pixels along each side of what ``render`` draws, before it is cut."""


@dataclass(frozen=True)
class AugmentOrder:
    """How versions are made.

    Attributes:
        method: What makes them.
        weights: Of its generator; None for the method's own.
        regressor: Whether coefficients come from the regressor, and not from a fit.
        model: Name of the face model.
        template: Where the five points belong in a picture of 112 × 112.
        worst: Most pixels of a 224 crop that the fit may miss a face's points by.
        quality: Of the versions' JPEG.
        black: Whether a turned face stands before black.
        device: cpu or cuda.
    """

    method: Method
    weights: str | None
    regressor: bool
    model: str
    template: Points
    worst: float
    quality: int
    black: bool
    device: str


def turner(order: AugmentOrder) -> PaintingFrontalizer | RenderFrontalizer:
    """What turns the faces, loaded once a process.

    Raises:
        DatasetUnavailable: Weights or the face model are absent.
        BadInput: They are damaged.
        BadOption: There is no such face model.
    """
    return _turner(order.method, order.weights, order.regressor, order.model, order.device)


@lru_cache(maxsize=2)
def _turner(
    method: Method, weights: str | None, regressor: bool, model_name: str, device: str
) -> PaintingFrontalizer | RenderFrontalizer:
    model = face_model(model_name, device)
    if method == "render":
        return RenderFrontalizer(model, size=RENDERED_SIZE)
    painter = load_painter(weights or DEFAULTS[method], kind=method, device=device)
    kind = CfrGanFrontalizer if method == "cfr-gan" else RotateAndRenderFrontalizer
    return kind(model, painter, size=painter.side, source=_source(model, regressor))


def _source(model: MorphableModel, regressor: bool) -> CoefficientSource:
    return load_regressor(model) if regressor else ByFit()
