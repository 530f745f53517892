"""PyTorch without short cuts: float32 all through, and the same kernels each time.

On CUDA PyTorch convolves with TensorFloat-32 (10 bits of mantissa) unless told otherwise, and a
caller may have allowed it, or bfloat16, for matrix products too. Before PyTorch 2.9 there are the
older settings alone.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def exact() -> Iterator[None]:
    """Full float32 and repeatable kernels until the end of the block; then all is as before."""
    import torch

    backends: Any = torch.backends
    cuda, cudnn, mkldnn = backends.cuda, backends.cudnn, backends.mkldnn
    places = (
        (cuda, "matmul"),
        (cudnn, "conv"),
        (cudnn, "rnn"),
        (mkldnn, "matmul"),
        (mkldnn, "conv"),
    )
    products = [getattr(backend, name, None) for backend, name in places]
    settings: list[tuple[Any, str, Any]] = [
        (one, "fp32_precision", "ieee") for one in products if hasattr(one, "fp32_precision")
    ]
    # Without a benchmark: that picks algorithms by a race.
    settings += [(cudnn, "deterministic", True), (cudnn, "benchmark", False)]
    before = [getattr(place, name) for place, name, _ in settings]
    # PyTorch has older names for some of these, and stops where old and new disagree.
    old_products = _read(torch.get_float32_matmul_precision, "highest")
    old_cudnn = _read(lambda: cudnn.allow_tf32, True)
    try:
        torch.set_float32_matmul_precision("highest")
        cudnn.allow_tf32 = False
        for place, name, value in settings:
            setattr(place, name, value)
        yield
    finally:
        torch.set_float32_matmul_precision(old_products)
        cudnn.allow_tf32 = old_cudnn
        for (place, name, _), value in zip(settings, before, strict=True):
            setattr(place, name, value)


def _read(setting: Callable[[], Any], usual: Any) -> Any:
    """A setting by its older name; PyTorch's usual where the caller has used the newer one."""
    try:
        return setting()
    except RuntimeError:
        return usual
