"""What a fit assumes: the noise of points and photo, and how far a face may stray."""

from dataclasses import dataclass, replace
from typing import Literal

Contour = Literal["fixed", "sliding"]
"""Whether the 17 jaw points are vertices, or wherever the visible contour is."""


@dataclass(frozen=True)
class FitSettings:
    """Standard deviations of the prior and of the noise, and how long to iterate.

    Attributes:
        contour: ``fixed`` for points that stay on the same spot of the head (renders, the points
            of AFLW2000-3D); ``sliding`` for points found on a photo's visible contour (dlib, iBUG).
        point_noise: Pixels of a 224 crop, each coordinate.
        jaw_noise: With ``sliding``: how much noisier the jaw points are than the others.
        translation: Decimetres, sideways and upwards; an aligned crop has 0.
        distance: Decimetres, along the viewing axis: how much of a face's size is its distance.
        identity: Standard deviations of the model's own prior.
        expression: Likewise.
        blendshape: Instead of it where a model has blendshapes: the share of a full expression.
        point_steps: Levenberg–Marquardt steps.
        vertices: About how many vertices the photo is compared at.
        facing: Cosine between normal and viewing axis below which a vertex is not used.
        photo_noise: Colour, of [0, 1], each channel, as if all vertices erred independently.
        texture: Standard deviations of the model's own prior.
        light: Of each band (ambient, directional, second) of the light's weights, all colours.
        tint: Of each band: how far one colour's light strays from the others', as a share of
            ``light``. A white balance changes the first; a coloured occluder looks like the rest.
        likely_light: How much more the light's prior counts where one of three starts is chosen. A
            mask of paper covers more of a face than it leaves free, so that most vertices agree on
            the wrong one; only its light is unlikely.
        clean: The share of the seen vertices that surely shows the face: its median residual is
            the yardstick for all.
        outlier: Residual at which a vertex counts for a quarter, in yardsticks.
        least_outlier: The same as a colour: no residual below is suspicious.
        first_outlier: The same while only the light is known.
        first_steps: Rounds of light and weights from each start.
        photo_steps: Rounds of light, texture and weights.
    """

    contour: Contour = "fixed"
    point_noise: float = 1.5
    jaw_noise: float = 4.0
    translation: float = 0.5
    distance: float = 0.5
    identity: float = 1.0
    expression: float = 1.0
    blendshape: float = 0.5
    point_steps: int = 8
    vertices: int = 1500
    facing: float = 0.2
    photo_noise: float = 0.25
    texture: float = 1.0
    light: tuple[float, float, float] = (0.3, 0.2, 0.08)
    tint: tuple[float, float, float] = (0.2, 0.1, 0.1)
    likely_light: float = 10.0
    clean: float = 0.5
    outlier: float = 1.5
    least_outlier: float = 0.12
    first_outlier: float = 0.08
    first_steps: int = 5
    photo_steps: int = 6

    def __post_init__(self) -> None:
        """Every scale is a positive number: a zero would divide by zero later."""
        for name, value in vars(self).items():
            numbers = value if isinstance(value, tuple) else (value,)
            if name != "contour" and not all(0 < one < float("inf") for one in numbers):
                raise ValueError(f"{name}: expected a positive number, found {value}")
        if self.clean > 1:
            raise ValueError(f"clean: expected a share, found {self.clean}")

    def for_clean_photos(self) -> "FitSettings":
        """The same for photos in which nothing covers the face: closer to the person.

        Brows, beards and moles that the first rounds cannot explain count then; so would an
        occluder.
        """
        closer = {"photo_noise": 0.03, "vertices": 3000, "outlier": 3.0, "least_outlier": 0.12}
        return replace(self, **closer)
