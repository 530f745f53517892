"""A canary: if shapes were not checked under pytest, every shape in a signature would be prose."""

import numpy as np
import pytest
import torch

from cfr.camera import rotation_matrix
from cfr.types import FaceMesh
from eval.nme import box_size
from protocols.aflw2000 import yaw_subsets
from results.figures.cumulative import draw_cumulative


def test_a_wrong_shape_is_refused_everywhere() -> None:
    with pytest.raises(Exception, match="Type-check error"):
        box_size(np.zeros((4, 68, 3)))
    with pytest.raises(Exception, match="Type-check error"):
        yaw_subsets(np.zeros((4, 2)))
    with pytest.raises(Exception, match="Type-check error"):
        draw_cumulative("x", {"a": np.zeros((2, 2))})
    with pytest.raises(Exception, match="Type-check error"):
        rotation_matrix(torch.zeros(2, 4))
    with pytest.raises(Exception, match="Type-check error"):
        FaceMesh(torch.zeros(2, 5, 3), torch.zeros(1, 5, 3), torch.zeros(1, 3).long())


def test_a_wrong_type_is_refused() -> None:
    with pytest.raises(Exception, match="Type-check error"):
        box_size(np.zeros((4, 68, 2), dtype=np.float32))
