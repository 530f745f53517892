"""Draw a figure and write it, with a record of what it shows."""

import hashlib
import io
import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from rich.console import Console

from protocols.roots import artifacts_folder
from results.cache.durable import write_durably
from results.console import progress_bars
from results.environment import current_environment
from results.export.ground import torch_device
from results.export.work import Show
from results.pictures import comparing, fig1, fig2, fig5, fig8, fig9
from results.pictures.choosing import choose_faces
from results.pictures.grid import draw_grid
from results.pictures.networks import MODEL, face_model, require_weights
from results.pictures.options import Pictures
from results.pictures.types import Chosen, Drawing
from results.record import World
from results.tracking import TrackedRun

_DRAWERS: Mapping[str, Callable[[Any, Chosen, str, Show], Drawing]] = {
    "fig1": fig1.draw,
    "fig2": fig2.draw,
    "fig5": fig5.draw,
    "fig6": comparing.draw,
    "fig7": comparing.draw,
    "fig8": fig8.draw,
    "fig9": fig9.draw,
}
_LAYOUT = "The layout follows the paper; its own photos are not known to us."


@dataclass(frozen=True, eq=False)
class Written:
    """A figure on disk.

    Attributes:
        picture: The PNG.
        record: What it shows, as JSON.
        world: Whether the photos are real.
        caption: What stands below it.
        figure: The figure itself.
    """

    picture: Path
    record: Path
    world: World
    caption: str
    figure: Figure


def make_figure(config: Pictures, show: Show) -> Written:
    """Choose faces, draw, and write ``NAME.png`` and ``NAME.json``; each wholly or not at all.

    Raises:
        BadOption: There is no such device.
        DatasetUnavailable: Photos or weights are absent.
        PackageUnavailable: What finds faces is.
        BadInput: A file is malformed, or there is no face in the photos.
        CacheFailed: A file could not be written.
    """
    name, device = config.figure, torch_device(config.device)
    out = (config.out or artifacts_folder() / name).expanduser()
    require_weights(config)
    chosen = choose_faces(config, device, out, show)
    drawing = _DRAWERS[name](config, chosen, device, show)
    caption = _caption(chosen, drawing)
    figure = draw_grid(drawing.title, drawing.parts, caption)
    content = _png(figure)
    record = _record(config, chosen, drawing, device) | {
        "caption": caption,
        "picture": {"file": f"{name}.png", "sha256": hashlib.sha256(content).hexdigest()},
    }
    out.mkdir(parents=True, exist_ok=True)
    picture, told = out / f"{name}.png", out / f"{name}.json"
    write_durably(picture, content)
    write_durably(told, (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode())
    return Written(picture, told, chosen.world, caption, figure)


def publish_figure(config: Pictures, console: Console) -> Written:
    """Draw, write, say where, and track it.

    Raises:
        DataError: As of :func:`make_figure`.
    """
    with progress_bars(console) as show:
        made = make_figure(config, show)
    console.print(f"{config.figure}, {made.world} data")
    console.print(made.caption, highlight=False, soft_wrap=True, markup=False)
    for path in (made.picture, made.record):
        console.print(str(path), highlight=False, soft_wrap=True, markup=False)
    artifacts = artifacts_folder()
    artifacts.mkdir(parents=True, exist_ok=True)
    run = TrackedRun("figures", config.figure, plain_options(config), artifacts)
    for path in (made.picture, made.record):
        run.keep(path)
    run.end()
    if run.refused:
        console.print(run.refused, highlight=False, soft_wrap=True, markup=False)
    return made


def plain_options(config: Pictures) -> dict[str, Any]:
    """The options without paths of this machine."""
    found: dict[str, Any] = {}
    for one in fields(config):
        value = getattr(config, one.name)
        if one.name != "out":
            found[one.name] = _without_folder(value)
    return found


def _without_folder(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_without_folder(one) for one in value]
    if isinstance(value, Path):
        return value.name
    return Path(value).name if isinstance(value, str) and "/" in value else value


def _caption(chosen: Chosen, drawing: Drawing) -> str:
    parts = [chosen.told, f"Points: {chosen.points}.", *chosen.left_out, _LAYOUT, *drawing.told]
    if drawing.weights:
        named = (f"{name} (sha256 {digest[:12]}…)" for name, digest in drawing.weights.items())
        parts.append(f"Weights: {', '.join(named)}.")
    return " ".join(parts)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():  # a name in a script that the font lacks shows boxes
        warnings.filterwarnings("ignore", r"Glyph .* missing from")
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _record(config: Pictures, chosen: Chosen, drawing: Drawing, device: str) -> dict[str, Any]:
    """What a reader has to know to make it again."""
    return {
        "figure": config.figure,
        "title": drawing.title,
        "data": chosen.world,
        "photos": [{"name": one.name, **one.about} for one in chosen.faces],
        "left out": list(chosen.left_out),
        "columns": [list(part.columns) for part in drawing.parts],
        "values": dict(drawing.values),
        "weights": dict(drawing.weights),
        "inputs": {"face model": face_model(MODEL, device).digest},
        "config": plain_options(config),
        "environment": asdict(current_environment(device=device)),
    }
