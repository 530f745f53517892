"""Rotate-and-Render (Zhou et al., CVPR 2020): the baseline, on the same face model and crops."""
