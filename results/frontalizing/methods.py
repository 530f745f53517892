"""What can be done to a face: the pictures that each method makes of it, and how it is recorded."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float64, UInt8

from cfr.align import align_deep3d, five_from_68
from cfr.frontalizers.painting import PaintingFrontalizer
from cfr.frontalizers.render import RenderFrontalizer
from cfr.types import Coefficients

Pictures = Mapping[str, UInt8[np.ndarray, "_ _ 3"]]


@dataclass(frozen=True, eq=False)
class Made:
    """What came of a face.

    Attributes:
        pictures: Name of the file's last part → picture.
        points: ``(68, 2)`` landmarks of the result, in its pixels.
        degrees: Pitch, yaw, roll of the face in the photo; None where nobody looked.
        shown: Caption → picture, for the sheet; empty for none.
    """

    pictures: Pictures
    points: Float64[np.ndarray, "68 2"]
    degrees: tuple[float, float, float] | None
    shown: Pictures = field(default_factory=dict)


@runtime_checkable
class Method(Protocol):
    """What is done to each face."""

    @property
    def record(self) -> Mapping[str, Any]:
        """Its options as plain values, for the record; other ones give other pictures."""
        ...

    def __call__(
        self, photo: UInt8[np.ndarray, "h w 3"], points: Float64[np.ndarray, "68 2"]
    ) -> Made:
        """Do it.

        Raises:
            ValueError: It cannot be done from these points.
        """
        ...


@dataclass(frozen=True)
class ByNothing:
    """Cuts the face as Deep3D does, and leaves it as it is.

    Attributes:
        size: Pixels along each side.
    """

    size: int = 224

    @property
    def record(self) -> Mapping[str, Any]:
        """See :class:`Method`."""
        return {"method": "none", "size": self.size}

    def __call__(
        self, photo: UInt8[np.ndarray, "h w 3"], points: Float64[np.ndarray, "68 2"]
    ) -> Made:
        """See :class:`Method`."""
        alignment = align_deep3d(five_from_68(points), self.size)
        return Made({"crop": alignment.crop(photo)}, alignment.to_crop(points), None)


@dataclass(frozen=True)
class ByRender:
    """Turns the face by a fitted face model alone.

    Attributes:
        frontalizer: What turns it.
    """

    frontalizer: RenderFrontalizer

    @property
    def record(self) -> Mapping[str, Any]:
        """See :class:`Method`."""
        ours = self.frontalizer
        return {
            "method": "render",
            "model": ours.model.name,
            "model_digest": ours.model.digest,
            "yaw_degrees": float(np.degrees(ours.yaw)),
            "pitch_degrees": float(np.degrees(ours.pitch)),
            "size": ours.size,
            "fit": asdict(ours.settings),
        }

    def __call__(
        self, photo: UInt8[np.ndarray, "h w 3"], points: Float64[np.ndarray, "68 2"]
    ) -> Made:
        """See :class:`Method`."""
        turned = self.frontalizer(photo, points)
        pictures = {
            "crop": turned.crop,
            "projected": turned.projected,
            "estimated": turned.estimated,
        }
        shown = {
            "aligned crop": turned.crop,
            "fitted model": turned.fitted,
            "photo's texture, turned": turned.projected,
            "estimated texture, turned": turned.estimated,
        }
        return Made(pictures, turned.points, _degrees(turned.coefficients), shown)


@dataclass(frozen=True)
class ByGenerator:
    """Restores the face by a generator, CFR-GAN's or a baseline's.

    Attributes:
        frontalizer: What restores it.
        weights: What its weights are called.
        deocclude: Whether the photo without what hides the face is wanted, too.
    """

    frontalizer: PaintingFrontalizer
    weights: str
    deocclude: bool = False

    @property
    def record(self) -> Mapping[str, Any]:
        """See :class:`Method`."""
        ours = self.frontalizer
        return {
            "method": ours.name,
            "weights": self.weights,
            "weights_digest": ours.painter.weights,
            "model": ours.model.name,
            "model_digest": ours.model.digest,
            "yaw_degrees": float(np.degrees(ours.yaw)),
            "pitch_degrees": _pitch(ours),
            "size": ours.size,
            "generator_size": ours.painter.side,
            "coefficients": dict(ours.source.identity),
            "deocclude": self.deocclude,
        }

    def __call__(
        self, photo: UInt8[np.ndarray, "h w 3"], points: Float64[np.ndarray, "68 2"]
    ) -> Made:
        """See :class:`Method`."""
        if self.deocclude:
            look, cleared = self.frontalizer.look_and_deocclude(photo, points)
        else:
            look, cleared = self.frontalizer.look(photo, points), None
        restored = look.restored
        pictures = {"crop": look.crop, "restored": restored.image}
        shown = {
            "aligned crop": look.crop,
            "photo's texture, turned": look.projected,
            "estimated texture, turned": look.estimated,
        }
        if restored.occlusion is not None:
            mask = _grey(restored.occlusion)
            pictures["mask"] = shown["what was hidden"] = mask
        shown["restored"] = restored.image
        if cleared is not None:
            pictures |= {"deoccluded": cleared.photo, "painted": _grey(cleared.mask)}
            shown["de-occluded"] = look.alignment.crop(cleared.photo)
        return Made(pictures, restored.points, _degrees(look.coefficients), shown)


def _pitch(ours: PaintingFrontalizer) -> float | str:
    """Degrees, or in words."""
    if ours.keep_pitch:
        return "kept"
    return "the method's" if ours.pitch is None else float(np.degrees(ours.pitch))


def _degrees(coefficients: Coefficients) -> tuple[float, float, float]:
    pitch, yaw, roll = np.degrees(coefficients.rotation[0].cpu().numpy()).tolist()
    return pitch, yaw, roll


def _grey(mask: Bool[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w 3"]:
    return np.repeat(mask[..., None].astype(np.uint8) * 255, 3, axis=2)
