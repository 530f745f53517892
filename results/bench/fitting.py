"""How long a fit takes, with a mesh of the Basel crop's size, against drawing it once."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import torch

from cfr.camera import Camera
from cfr.fit import FitSettings, fit, fit_photo, fit_points
from cfr.mesh import reconstruct
from cfr.morphable.model import MorphableModel
from cfr.render.shading import render
from cfr.types import Coefficients
from results.bench.faces import made_up_model, photographed, projected_points, random_faces
from results.bench.timing import Timing, time_pairs

BAR_MS, CORES = 50, 2


def time_fit(repeats: int, side: int = 190) -> Iterator[Timing]:
    """One face of 36,100 vertices, 80/64/80 modes, at 224², on at most two cores.

    Args:
        repeats: Timed pairs.
        side: Another size of mesh, with its square as vertices.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(min(CORES, threads))
    try:
        yield from _timings(repeats, side)
    finally:
        torch.set_num_threads(threads)


def _timings(repeats: int, side: int) -> Iterator[Timing]:
    model, generator = made_up_model(side), torch.Generator().manual_seed(0)
    truth = random_faces(model, 1, generator)
    photo, _ = photographed(model, truth, generator)
    points = projected_points(model, truth)
    known = fit_points(model, points)
    drawing = "reconstruct and render"
    draw = partial(_draw, model, truth)
    whole = time_pairs("fit, one face", partial(fit, model, points, photo), drawing, draw, repeats)
    share = 1000 * whole.seconds / BAR_MS
    told = f"{share:.0%} of {BAR_MS} ms, on {torch.get_num_threads()} thread(s)"
    yield replace(whole, note=told)
    only = partial(fit_points, model, points)
    yield time_pairs("fit_points", only, drawing, draw, repeats)
    sliding = partial(fit_points, model, points, settings=FitSettings(contour="sliding"))
    yield time_pairs("fit_points, sliding contour", sliding, drawing, draw, repeats)
    colours = partial(fit_photo, model, known, photo)
    yield time_pairs("fit_photo", colours, drawing, draw, repeats)


def _draw(model: MorphableModel, truth: Coefficients) -> object:
    return render(reconstruct(model, truth), Camera())
