"""Full float32 while a network runs, whatever the caller chose; and the caller's choice after."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from recognizers.precision import exact

BACKENDS: Any = torch.backends
PRODUCTS = (
    BACKENDS.cuda.matmul,
    BACKENDS.cudnn.conv,
    BACKENDS.cudnn.rnn,
    BACKENDS.mkldnn.matmul,
    BACKENDS.mkldnn.conv,
)
EXACT = ["highest", False, False, *["ieee"] * 5, True, False]


def settings() -> list[object]:
    """How PyTorch multiplies, by the older and the newer names; None where it does not tell."""

    def read(name: Callable[[], object]) -> object:
        try:
            return name()
        except RuntimeError:  # old and new disagree
            return None

    return [
        read(torch.get_float32_matmul_precision),
        read(lambda: BACKENDS.cuda.matmul.allow_tf32),
        read(lambda: BACKENDS.cudnn.allow_tf32),
        *(one.fp32_precision for one in PRODUCTS),
        BACKENDS.cudnn.deterministic,
        BACKENDS.cudnn.benchmark,
    ]


@pytest.fixture(autouse=True)
def taken_back() -> Iterator[None]:
    """Whatever a test chooses, the next one finds what this one found."""
    before, values = settings(), [one.fp32_precision for one in PRODUCTS]
    precision, allowed = torch.get_float32_matmul_precision(), BACKENDS.cudnn.allow_tf32
    yield
    torch.set_float32_matmul_precision(precision)
    BACKENDS.cudnn.allow_tf32, BACKENDS.cudnn.benchmark = allowed, False
    for one, value in zip(PRODUCTS, values, strict=True):
        one.fp32_precision = value
    assert settings() == before


def nothing() -> None:
    """PyTorch as it starts."""


def old_name() -> None:
    torch.set_float32_matmul_precision("medium")


def new_name() -> None:
    BACKENDS.cuda.matmul.fp32_precision = "tf32"


def new_name_on_the_cpu() -> None:
    BACKENDS.mkldnn.matmul.fp32_precision = "bf16"
    BACKENDS.mkldnn.conv.fp32_precision = "bf16"


def one_of_two() -> None:
    BACKENDS.cudnn.conv.fp32_precision = "ieee"


def no_tf32_but_a_race() -> None:
    BACKENDS.cudnn.allow_tf32, BACKENDS.cudnn.benchmark = False, True


@pytest.mark.parametrize(
    "choose", [nothing, old_name, new_name, new_name_on_the_cpu, one_of_two, no_tf32_but_a_race]
)
def test_short_cuts_are_off_within_and_as_before_after(choose: Callable[[], None]) -> None:
    choose()
    before = settings()
    assert before != EXACT
    with exact():
        assert settings() == EXACT
        with exact():
            assert settings() == EXACT
        assert settings() == EXACT
    assert settings() == before
    with pytest.raises(KeyError, match="out of memory"), exact():
        raise KeyError("out of memory")
    assert settings() == before


def test_a_product_is_that_of_float32() -> None:
    """Where the CPU knows bfloat16, a product without this would have 8 bits."""
    torch.set_float32_matmul_precision("medium")
    generator = torch.Generator().manual_seed(0)
    one = torch.randn(256, 256, generator=generator)
    expected = (one.double() @ one.double()).float()
    with exact():
        torch.testing.assert_close(one @ one, expected, rtol=1e-4, atol=1e-4)
