"""Fig. 9: what is lost without a part of the method, in each photo's own pose."""

from dataclasses import dataclass

from cfr.frontalizers.cfr_gan import CfrGanFrontalizer
from cfr.frontalizers.sources import CFR_GAN, title
from cfr.gan.sources import MINI
from cfr.pictures import resized
from protocols.errors import BadOption, DatasetUnavailable
from results.export.work import Show
from results.pictures.grid import Part, Row
from results.pictures.networks import called, painting
from results.pictures.options import Fig9
from results.pictures.types import CLEAR, Chosen, Drawing
from results.restoration.methods import estimated, painted, render


@dataclass(frozen=True)
class Ablation:
    """A variant of the method.

    Attributes:
        weights: Their name.
        heading: What the figure calls it.
        how: The commands that train it.
    """

    weights: str
    heading: str
    how: str


_TRAIN = "python scripts/train_gan.py artifacts/{pairs} --name {name} --steps 500{more}"
_PAIRS = "python scripts/make_pairs.py PHOTOS artifacts/{pairs} {option}, then "


def _how(name: str, pairs: str = "pairs", option: str = "", more: str = "") -> str:
    made = _PAIRS.format(pairs=pairs, option=option) if option else ""
    return made + _TRAIN.format(pairs=pairs, name=name, more=more)


ABLATIONS = (
    Ablation(
        "mini-no-swap", "without swap", _how("mini-no-swap", "pairs-no-swap", option="--no-swap")
    ),
    Ablation(
        "mini-without-occlusion-path",
        "without occlusion path",
        _how("mini-without-occlusion-path", more=" --without occlusion-path"),
    ),
    Ablation(
        "mini-parsing",
        "parsing alone, no Eq. 5",
        _how("mini-parsing", "pairs-parsing", option="--preset parsing --parser unet:FILE"),
    ),
    Ablation(
        "mini-without-identity",
        "without L_id",
        _how("mini-without-identity", more=" --without identity"),
    ),
    Ablation("mini-short", "ours, 500 steps", _how("mini-short")),
    Ablation(MINI, "ours", "see docs/gan.md"),
)
"""In the paper's order; then the whole method with the ablations' 500 steps, and in full."""


def draw(config: Fig9, chosen: Chosen, device: str, show: Show) -> Drawing:
    """Paint each face by every variant.

    Raises:
        DatasetUnavailable: Weights that were named, or ours, are absent.
        BadInput: Weights are damaged.
    """
    columns, absent = _columns(config, device)
    weights: dict[str, str] = {}
    for name, one in columns.values():
        weights |= called(one, name)
    rows = []
    with show("restoring", len(chosen.faces)) as advance:
        for face in chosen.faces:
            found = {
                heading: one.in_place([face.photo], [face.points])[0]
                for heading, (_, one) in columns.items()
            }
            ours = list(found.values())[-1]
            pictures = {"photo": face.crop(config.size)}
            made = {"R_p": render(ours), "R_e": estimated(ours)}
            made |= {heading: painted(one) for heading, one in found.items()}
            pictures |= {heading: resized(one, config.size) for heading, one in made.items()}
            truths = face.truths(config.size)
            pictures |= {CLEAR: truths[CLEAR]} if CLEAR in truths else {}
            rows.append(Row(face.name, pictures))
            advance(1)
    told = [
        "All that is face is painted, in the photo's own pose; beside it stands the photo itself. "
        "R_p wears the photo's colours, R_e the estimated ones."
    ]
    if not config.weights:
        told.append(
            "Ablations have 500 steps of training; ours is also shown with as many, and last as "
            "docs/gan.md has it, with more steps and pairs."
        )
    return Drawing(
        title="Without a part of the method (after the paper's Fig. 9)",
        parts=[Part("", rows)],
        told=[*told, *absent],
        weights=weights,
    )


def _columns(
    config: Fig9, device: str
) -> tuple[dict[str, tuple[str, CfrGanFrontalizer]], list[str]]:
    """Heading → name and what paints, ours last; and a sentence about each that is absent."""
    headings = {one.weights: one.heading for one in ABLATIONS}
    if config.weights:
        named = {headings.get(one, title(f"{CFR_GAN}:{one}")): one for one in config.weights}
        if len(named) < len(config.weights):
            raise BadOption(f"--weights {' '.join(config.weights)}", "files with different names")
        return {
            heading: (one, painting(one, device, config.size)) for heading, one in named.items()
        }, []
    columns, absent = {}, []
    for one in ABLATIONS:
        try:
            columns[one.heading] = one.weights, painting(one.weights, device, config.size)
        except DatasetUnavailable:
            if one.weights == MINI:
                raise
            absent.append(f"Not trained here: {one.heading} ({one.how}).")
    return columns, absent
