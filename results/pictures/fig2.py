"""Fig. 2: the stages of Swap-R&R, from a photo to a pair to learn from."""

import numpy as np
import torch

from cfr.frontalizers.coefficients import ByFit, align_faces
from cfr.pairs.making import PairMaker, pair_rng
from results.export.work import Show
from results.figures.stages import stage_pictures
from results.pair_orders import face_model
from results.pictures.grid import Part, Row
from results.pictures.networks import MODEL
from results.pictures.options import Fig2
from results.pictures.types import Chosen, Drawing


def draw(config: Fig2, chosen: Chosen, device: str, show: Show) -> Drawing:
    """Make a pair of each photo by the rules of the published code."""
    model = face_model(MODEL, device)
    maker = PairMaker(model, "release")
    rows, turned = [], {}
    with show("making pairs", len(chosen.faces)) as advance:
        for at, face in enumerate(chosen.faces):
            photos, points = [face.photo], [face.points]
            aligned = align_faces(photos, points, config.size, torch.device(device))
            found = ByFit()(model, aligned)
            pairs = maker(aligned.picture, found, [pair_rng(config.seed, at, 0)])
            rows.append(Row(face.name, stage_pictures(pairs)[0]))
            degrees = np.degrees(pairs.rotation[0].cpu().numpy())
            turned[face.name] = [round(one, 1) for one in degrees.tolist()]
            advance(1)
    return Drawing(
        title="Swap-R&R, stage by stage (after the paper's Fig. 2)",
        parts=[Part("", rows)],
        told=[
            "R_p wears the photo's colours, R_e the estimated ones; what hides the face (M_obj, "
            "Eq. 5) is exchanged between them (Eq. 6). The photo, swapped, is turned to a random "
            "pose and back; the generator gets the damaged render and the guide, and learns the "
            "photo and the target mask. Coefficients by a fit to the points; rules of the "
            "published code, without a parser. No weights are needed."
        ],
        values={"turned to, degrees of pitch, yaw, roll": turned},
    )
