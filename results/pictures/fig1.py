"""Fig. 1: turned and occluded faces, and what the method makes of each."""

from results.export.work import Show
from results.pictures.grid import Part, Row
from results.pictures.networks import called, painting
from results.pictures.options import Fig1
from results.pictures.types import CLEAR, FRONTAL, Chosen, Drawing

FRONT, CLEARED = "ours, from the front", "ours, de-occluded"


def draw(config: Fig1, chosen: Chosen, device: str, show: Show) -> Drawing:
    """Turn each face to the front, and clear its photo.

    Raises:
        DatasetUnavailable: Weights are absent.
        BadInput: They are damaged.
    """
    ours = painting(config.weights, device, config.size)
    rows = []
    with show("restoring", len(chosen.faces)) as advance:
        for face in chosen.faces:
            look, cleared = ours.look_and_deocclude(face.photo, face.points)
            truths = face.truths(config.size)
            pictures = {"photo": face.crop(config.size), FRONT: look.restored.image}
            pictures |= {FRONTAL: truths[FRONTAL]} if FRONTAL in truths else {}
            pictures |= {CLEARED: face.alignment(config.size).crop(cleared.photo)}
            pictures |= {CLEAR: truths[CLEAR]} if CLEAR in truths else {}
            rows.append(Row(face.name, pictures))
            advance(1)
    return Drawing(
        title="Turned and occluded faces, recovered by CFR-GAN (after the paper's Fig. 1)",
        parts=[Part("", rows)],
        told=[
            "From the front: yaw 0°, pitch 5°, rotated and de-occluded at once; beside the face "
            "the network's picture means nothing. De-occluded: M · G + (1 − M) · I in the photo's "
            "own pose, so that a face that is called clear stays as it is."
        ],
        weights=called(ours, config.weights),
    )
