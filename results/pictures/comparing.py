"""Fig. 6 and 7: a face as it is, rendered, by Rotate-and-Render, by CFR-GAN; and the truth."""

from cfr.frontalizers.cfr_gan import PITCH
from cfr.frontalizers.render import RenderFrontalizer
from cfr.frontalizers.rotate_and_render import RotateAndRenderFrontalizer
from protocols.errors import DatasetUnavailable
from results.export.work import Show
from results.pair_orders import face_model
from results.pictures.grid import Part, Row
from results.pictures.networks import MODEL, called, painting, rotate_and_render
from results.pictures.options import Compared, Fig7
from results.pictures.types import CLEAR, FRONTAL, Chosen, Drawing


def draw(config: Compared, chosen: Chosen, device: str, show: Show) -> Drawing:
    """Turn each face to the front by every method.

    Raises:
        DatasetUnavailable: Weights that were named, or ours, are absent.
        BadInput: Weights are damaged.
    """
    ours, size = painting(config.weights, device, config.size), config.size
    rival, absent = _rival(config, device)
    render = RenderFrontalizer(face_model(MODEL, device), pitch=PITCH, size=size)
    occluded, rows = isinstance(config, Fig7), []
    with show("restoring", len(chosen.faces)) as advance:
        for face in chosen.faces:
            look, cleared = ours.look_and_deocclude(face.photo, face.points)
            truths, own = face.truths(size), face.alignment(size)
            pictures = {"photo": face.crop(size)}
            pictures["render"] = render.restore(face.photo, face.points).image
            if rival is not None:
                pictures["Rotate-and-Render"] = rival.restore(face.photo, face.points).image
            pictures["CFR-GAN (ours)"] = look.restored.image
            pictures |= {FRONTAL: truths[FRONTAL]} if FRONTAL in truths else {}
            if occluded:
                pictures["ours, de-occluded"] = own.crop(cleared.photo)
                pictures |= {CLEAR: truths[CLEAR]} if CLEAR in truths else {}
            rows.append(Row(face.name, pictures))
            advance(1)
    what, number = ("occluded", 7) if occluded else ("turned", 6)
    told = [
        "All methods turn to yaw 0° and pitch 5°, by fits to the same points. Render: the photo's "
        "own colours on the fitted face, black beside it; beside the face the networks' pictures "
        "mean nothing."
    ]
    weights = called(ours, config.weights)
    if rival is not None:
        weights |= called(rival, config.rotate_and_render)
    return Drawing(
        title=f"Methods compared on {what} faces (after the paper's Fig. {number})",
        parts=[Part("", rows)],
        told=[*told, *absent],
        weights=weights,
    )


def _rival(config: Compared, device: str) -> tuple[RotateAndRenderFrontalizer | None, list[str]]:
    """The baseline, or why it is not shown."""
    try:
        return rotate_and_render(config.rotate_and_render, device, config.size), []
    except DatasetUnavailable as error:
        if config.rotate_and_render is not None:
            raise
        return None, [f"Without Rotate-and-Render: {error}"]
