"""Drawing meshes: ``rasterizer`` (ours), ``pytorch3d`` (optional), ``reference`` (the oracle)."""
