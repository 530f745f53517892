from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import loadmat

from cfr.normals import incident_triangles, vertex_normals


def slow_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """From the definition: unit face normals, summed around each vertex, made unit."""
    sums = np.zeros_like(vertices)
    for corners in triangles:
        a, b, c = vertices[corners]
        normal = np.cross(a - b, b - c)
        for vertex in corners:
            sums[vertex] += normal / np.linalg.norm(normal)
    return sums / np.linalg.norm(sums, axis=1, keepdims=True)


def test_normals_follow_the_definition(small_head: tuple[torch.Tensor, torch.Tensor]) -> None:
    vertices, triangles = small_head
    incident = incident_triangles(triangles, len(vertices))
    found = vertex_normals(vertices[None].double(), triangles, incident)[0].numpy()
    expected = slow_normals(vertices.double().numpy(), triangles.numpy())
    assert np.allclose(found, expected)
    # They point outwards.
    assert ((found * vertices.numpy()).sum(1) > 0).mean() > 0.99


def test_triangles_around_a_vertex_are_all_of_them(
    small_head: tuple[torch.Tensor, torch.Tensor],
) -> None:
    vertices, triangles = small_head
    table = incident_triangles(triangles, len(vertices))
    for vertex, row in enumerate(table.tolist()):
        expected = (triangles == vertex).any(1).nonzero().flatten().tolist()
        assert [index for index in row if index < len(triangles)] == expected
    assert int((table < len(triangles)).sum(1).max()) == table.shape[1]


def test_small_integers_will_do(small_head: tuple[torch.Tensor, torch.Tensor]) -> None:
    vertices, triangles = small_head
    table = incident_triangles(triangles.int(), len(vertices))
    assert torch.equal(table, incident_triangles(triangles, len(vertices)))


def test_a_vertex_without_triangles_has_no_normal() -> None:
    vertices = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [5, 5, 5]]])
    triangles = torch.tensor([[0, 1, 2]])
    normals = vertex_normals(vertices, triangles, incident_triangles(triangles, 4))
    assert normals[0].tolist() == [[0, 0, 1]] * 3 + [[0, 0, 0]]


def test_degenerate_triangles_leave_normals_and_gradients_finite() -> None:
    vertices = torch.tensor([[[0.0, 0, 0], [0, 0, 0], [0, 0, 0], [1, 0, 0], [2, 0, 0]]])
    vertices.requires_grad_()
    triangles = torch.tensor([[0, 1, 2], [0, 3, 4]])
    normals = vertex_normals(vertices, triangles, incident_triangles(triangles, 5))
    normals.sum().backward()
    assert normals.isfinite().all()
    assert vertices.grad is not None
    assert vertices.grad.isfinite().all()


def test_gradients_agree_with_finite_differences(
    small_head: tuple[torch.Tensor, torch.Tensor],
) -> None:
    vertices, triangles = small_head[0][:60], small_head[1]
    triangles = triangles[(triangles < 60).all(1)]
    incident = incident_triangles(triangles, 60)
    assert torch.autograd.gradcheck(
        lambda v: vertex_normals(v, triangles, incident),
        (vertices[None].double().requires_grad_(),),
    )


@pytest.fixture
def topology(shared: Path) -> dict[str, np.ndarray]:
    return loadmat(shared / "face_models/deep3dfacerecon_indices/facemodel_info.mat")


def test_deep3ds_own_table_agrees(topology: dict[str, np.ndarray]) -> None:
    triangles = torch.from_numpy(topology["tri"].astype(np.int64) - 1)
    assert (len(triangles), int(triangles.max()) + 1) == (70_789, 35_709)
    ours = incident_triangles(triangles, 35_709).sort(1).values.numpy()
    theirs = np.sort(topology["point_buf"].astype(np.int64) - 1, axis=1)
    assert np.array_equal(ours, theirs)


def test_the_basel_crop_has_an_outer_rim_and_a_mouth(topology: dict[str, np.ndarray]) -> None:
    """Two open borders, of 551 and 78 vertices: the mouth is a hole."""
    triangles = topology["tri"].astype(np.int64) - 1
    edges = np.sort(np.concatenate((triangles[:, :2], triangles[:, 1:], triangles[:, ::2])), axis=1)
    unique, uses = np.unique(edges, axis=0, return_counts=True)
    neighbours: dict[int, set[int]] = {}
    for a, b in unique[uses == 1].tolist():
        neighbours.setdefault(a, set()).add(b)
        neighbours.setdefault(b, set()).add(a)
    rims = []
    while neighbours:
        todo, rim = [next(iter(neighbours))], set()
        while todo:
            vertex = todo.pop()
            if vertex not in rim:
                rim.add(vertex)
                todo.extend(neighbours.pop(vertex))
        rims.append(len(rim))
    assert sorted(rims) == [78, 551]
