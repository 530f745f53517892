"""How well a generator repairs faces of photos that it was not trained on."""

from collections.abc import Mapping

import torch
from torch import Tensor

from cfr.gan import losses
from cfr.gan.batches import PairDraws
from cfr.gan.painting import FaceGenerator
from cfr.identity_crops import fixed_crop

_LEVELS = 255.0


@torch.no_grad()
def validation_scores(
    net: FaceGenerator,
    draws: PairDraws,
    batches: int,
    device: torch.device,
    embed: losses.Embed | None = None,
) -> Mapping[str, float]:
    """Compare what a generator paints with the photos.

    Args:
        net: In evaluation mode.
        draws: Of held-out pairs; all processes see the same ones.
        batches: How many.
        device: Where the network is.
        embed: A face recognizer, if there is one.

    Returns:
        ``hidden`` and ``face``: mean |error| of a colour in levels of 255, where something has to
        be repaired and on the whole face; ``hidden, damaged`` and ``face, damaged``: the same of
        what the generator is given; ``mask IoU`` of the masks' upper halves (with an occlusion
        path); ``identity`` and ``identity, damaged``: mean cosine of a recognizer's embeddings.
    """
    sums: dict[str, list[Tensor]] = {}

    def add(name: str, value: Tensor, weight: Tensor) -> None:
        pair = torch.stack((value.double().sum(), weight.double().sum()))
        sums.setdefault(name, []).append(pair)

    for step in range(batches):
        batch = draws[step].to(device)
        painted = net(batch.damaged, batch.guide)
        hidden = (batch.mask >= 0.5) & (batch.face > 0)
        for suffix, image in (("", painted.image), (", damaged", batch.damaged)):
            apart = _LEVELS * (image - batch.photo).abs().mean(1, keepdim=True)
            add(f"hidden{suffix}", apart * hidden, hidden)
            add(f"face{suffix}", apart * batch.face, batch.face)
            if embed is not None:
                crops = embed(fixed_crop(image)), embed(fixed_crop(batch.photo))
                alike = torch.cosine_similarity(*crops)
                add(f"identity{suffix}", alike, torch.ones_like(alike))
        if net.size.occlusion_path:
            found = painted.mask >= 0.5
            add("mask IoU", found & hidden, (found & (batch.face > 0)) | hidden)
    return {name: _mean(torch.stack(parts).sum(0)) for name, parts in sums.items()}


def _mean(pair: Tensor) -> float:
    """0 where nothing counts."""
    return float(pair[0] / pair[1].clamp(min=1e-9))
