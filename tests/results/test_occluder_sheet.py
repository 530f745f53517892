from pathlib import Path

import numpy as np

from cfr.camera import Camera
from results.figures.occluders import YAWS, draw_kinds


def test_every_kind_on_two_faces(shared: Path) -> None:
    from cfr.morphable.sources import load_model

    model = load_model("ict", shared / "face_models/ict_facekit")
    figure = draw_kinds(model, Camera().resized(48), seed=1)
    shown = [axes.get_images()[0].get_array() for axes in figure.axes if axes.get_images()]
    pictures = [np.asarray(one) for one in shown]
    assert len(pictures) == 14 * len(YAWS)
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)
    titles = {axes.get_title() for axes in figure.axes}
    assert {"face", "mask", "hand, flat", "cutout"} <= titles
    for picture in pictures:
        assert picture.shape == (48, 48, 3)
