"""Fig. 8: landmarks and fits of regressors, on photos as they are and with hands drawn in."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float64, UInt8

from cfr.camera import Camera
from cfr.mesh import reconstruct
from cfr.occluders.hand import Hand
from cfr.occluders.kinds import occlude
from cfr.pictures import to_float, to_uint8
from cfr.regressor.landmarks import project_landmarks
from cfr.regressor.network import RNet
from cfr.render.shading import render
from eval.nme import box_size, normalised_mean_error
from results.export.work import Show
from results.pair_orders import face_model
from results.pictures.grid import Part, Row, dotted
from results.pictures.networks import MODEL, regressor
from results.pictures.options import Fig8
from results.pictures.types import Chosen, Drawing, Face


@dataclass(frozen=True, eq=False)
class _Seen:
    """What a regressor sees in a crop: its points there, and its face drawn over the crop."""

    points: Float64[np.ndarray, "68 2"]
    over: UInt8[np.ndarray, "s s 3"]


def draw(config: Fig8, chosen: Chosen, device: str, show: Show) -> Drawing:
    """Place points and faces by every regressor.

    Raises:
        DatasetUnavailable: Weights are absent.
        BadInput: They are damaged.
        WrongFaceModel: They speak of another face model.
    """
    nets = {name: regressor(name, device) for name in config.weights}
    rows: list[Row] = []
    errors: dict[str, dict[str, float]] = {}
    with show("placing points", len(chosen.faces)) as advance:
        for face in chosen.faces:
            for one in (face, _with_hands(face, config.seed)):
                row, own = _row(one, chosen, {name: net for name, (net, _) in nets.items()}, config)
                rows.append(row)
                errors[row.name] = own
            advance(1)
    told = (
        "Each face twice: as it is, and with drawn hands. Points: the regressor's 68; fit: its "
        "face, shaded, over the photo. Crops are cut by the reference points, as in Table 4."
    )
    if chosen.labelled:
        told += (
            " NME: mean distance of the 68 points to the true ones, in percent of the root of "
            "their box's area."
        )
    return Drawing(
        title="Landmarks and fits without and with hands (after the paper's Fig. 8)",
        parts=[Part("", rows)],
        told=[told],
        weights={f"regressor {name}": digest for name, (_, digest) in nets.items()},
        values={"NME, percent": errors} if chosen.labelled else {},
    )


def _with_hands(face: Face, seed: int) -> Face:
    """The same photo with hands in front of the face, by its name and the seed."""
    own = hashlib.sha256(f"{seed} {face.name}".encode()).digest()
    number = int.from_bytes(own[:6], "big")
    drawn = occlude(face.photo, face.points, "hand", number, options=Hand())
    return replace(face, name=f"{face.name}, hands", photo=drawn.image)


def _row(
    face: Face, chosen: Chosen, nets: Mapping[str, RNet], config: Fig8
) -> tuple[Row, dict[str, float]]:
    """A photo by every regressor, and how far each is off, in percent."""
    crop, true = face.crop(config.size), face.alignment(config.size).to_crop(face.points)
    reference = "true points" if chosen.labelled else "points found"
    pictures, notes, errors = {"photo": crop, reference: dotted(crop, true)}, {}, {}
    for name, net in nets.items():
        seen = _see(net, face, config.size)
        pictures[f"{name}, points"] = dotted(crop, seen.points)
        pictures[f"{name}, fit"] = seen.over
        if chosen.labelled:
            size = box_size(true[None])
            errors[name] = float(normalised_mean_error(seen.points[None], true[None], size)[0])
            notes[f"{name}, points"] = f"NME {errors[name]:.1f}"
    return Row(face.name, pictures, notes), {name: round(one, 2) for name, one in errors.items()}


@torch.no_grad()
def _see(net: RNet, face: Face, size: int) -> _Seen:
    """What a regressor says of a face, in a crop of another size: coefficients know no pixels."""
    device = next(net.parameters()).device
    model, camera = face_model(MODEL, str(device)), Camera().resized(size)
    found = net.layout.split(net(to_float(face.crop(net.size)[None], device)))
    points = project_landmarks(model, found, camera)[0].double().cpu().numpy()
    drawn = render(reconstruct(model, found), camera)
    where = drawn.coverage[0, ..., None].cpu().numpy()
    return _Seen(points, np.where(where, to_uint8(drawn.image.clamp(0, 1))[0], face.crop(size)))
