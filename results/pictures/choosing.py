"""Which faces a figure shows: the user's, those at hand, or made-up people."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from protocols.errors import DatasetUnavailable, PackageUnavailable
from results.export.work import Show
from results.pictures import networks
from results.pictures.at_hand import data_sets, real_photos
from results.pictures.found import own_photos, show_photos
from results.pictures.made_up import draw_people
from results.pictures.options import Pictures
from results.pictures.types import Chosen


def choose_faces(config: Pictures, device: str, out: Path, show: Show) -> Chosen:
    """Take or draw the faces.

    Args:
        config: The options.
        device: Where networks compute.
        out: Where figures go: its pictures are nobody's photos.
        show: Progress.

    Raises:
        DatasetUnavailable: Photos or what finds faces are absent.
        PackageUnavailable: A package is, that was asked for.
        BadInput: There is no photo, no face in any, or a file is malformed.
    """
    finder = partial(networks.landmarker, config.landmarks, config.landmarks_root, device)
    if config.photos:
        files = own_photos(config.photos, out)
        return show_photos(files, config.count, finder(), "Photos that the user named", show)
    people = partial(draw_people, config.kind, config.count, config.seed, device, show)
    if config.data == "synthetic" or (config.data is None and not data_sets(config.kind)):
        return people()
    try:
        return real_photos(config.kind, config.count, finder, show)
    except (DatasetUnavailable, PackageUnavailable) as error:
        if config.data == "real":
            raise
        chosen = people()
        return replace(chosen, left_out=(f"Real photos were not shown: {error}",))
