import pytest
import torch

from protocols.errors import BadOption
from recognizers.iresnet import ARCHITECTURES, IResNet
from recognizers.training.arcface import ArcFaceLearner, Changes, build_network, scaled
from recognizers.training.drawing import LabelledBatch
from recognizers.training.presets import IRESNETS, PRESETS, NetworkSize, RecognizerPreset
from recognizers.training.schedule import SgdSchedule

SMALL = NetworkSize(width=2, size=32, dimension=8)


def preset(network: NetworkSize = SMALL, augmented: float = 0.0) -> RecognizerPreset:
    return RecognizerPreset(network, SgdSchedule(4, 0.1, steps=4), augmented=augmented)


def batch(count: int = 4) -> LabelledBatch:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, 3, 32, 32), generator=generator, dtype=torch.uint8)
    return LabelledBatch(images, torch.arange(count) % 3)


def test_the_papers_numbers() -> None:
    """ArcFace on CASIA-WebFace: Deng et al., and insightface's iresnet18."""
    paper = PRESETS["paper"]
    assert paper.network == NetworkSize("iresnet18", 64, 112, 512)
    assert (paper.scale, paper.margin, paper.share, paper.flip) == (64.0, 0.5, 1.0, 0.5)
    schedule = paper.schedule
    assert (schedule.batch, schedule.learning_rate, schedule.steps) == (512, 0.1, 32_000)
    assert (schedule.momentum, schedule.weight_decay) == (0.9, 5e-4)
    assert [round(at * 32_000) for at in schedule.drops] == [20_000, 28_000]
    assert tuple(ARCHITECTURES) == IRESNETS


def test_a_network_of_each_kind() -> None:
    for name in ("iresnet18", "timm:resnet18"):
        size = NetworkSize(name, width=2, size=32, dimension=8)
        network = build_network(size, torch.Generator().manual_seed(0)).eval()
        with torch.no_grad():
            answers = network(scaled(batch().images))
        assert answers.shape == (4, 8)
        assert isinstance(network, IResNet) == (name == "iresnet18")
        assert (answers < 0).any()  # no embedding is confined to one corner of space
    for name in ("iresnet17", "timm:", "timm:nothing_of_this_name", "resnet18"):
        with pytest.raises(BadOption, match="expected iresnet18"):
            build_network(NetworkSize(name), torch.Generator())


def test_a_learner_is_a_matter_of_its_seed() -> None:
    one, again, other = (ArcFaceLearner(preset(), 3, seed) for seed in (1, 1, 2))
    states = [learner.state_dict() for learner in (one, again, other)]
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())
    for name in ("network.conv1.weight", "head.weight"):
        assert not torch.equal(states[0][name], states[2][name])
    told = one(batch())
    assert set(told) == {"loss", "cosine with the centre", "nearest centre is the right one"}
    told["loss"].backward()
    trained = {name for name, each in one.named_parameters() if each.grad is not None}
    assert {name for name, _ in one.named_parameters()} - trained == {"network.features.weight"}


def test_what_a_network_sees() -> None:
    levels = torch.tensor([0, 255], dtype=torch.uint8).view(1, 1, 1, 2).expand(1, 3, 1, 2)
    assert scaled(levels)[0, 0, 0].tolist() == [-1, 1]


def test_changes_are_drawn_anew_and_stay_in_range() -> None:
    images = scaled(batch(32).images)
    torch.manual_seed(0)
    changed = Changes(0.5)(images)
    torch.manual_seed(0)
    again = Changes(0.5)(images)
    assert torch.equal(changed, again)
    assert changed.shape == images.shape
    assert changed.abs().max() <= 1
    same = torch.isclose(changed, images, atol=1e-5).flatten(1).all(1)
    assert 0 < int(same.sum()) < 10  # of 32, one in sixteen keeps clear of all four
    assert torch.allclose(Changes(0.0)(images), images, atol=1e-6)
    assert ArcFaceLearner(preset(augmented=0.5), 3, 0)(batch())["loss"].isfinite()


@pytest.mark.parametrize("width", [8, 16])
def test_narrow_networks_learn_whatever_their_layout(width: int) -> None:
    """Of width 8, channels last ended the process by a segmentation fault."""
    learner = ArcFaceLearner(preset(NetworkSize(width=width, size=48, dimension=8)), 3, 0)
    assert learner.layout == (torch.channels_last if width == 16 else torch.contiguous_format)
    learner.to(memory_format=learner.layout)  # type: ignore[call-overload]
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (64, 3, 48, 48), generator=generator, dtype=torch.uint8)
    learner(LabelledBatch(images, torch.arange(64) % 3))["loss"].backward()
    found = [one.grad for one in learner.parameters() if one.grad is not None]
    assert found
    assert all(torch.isfinite(one).all() for one in found)
