"""Figures, drawn from numbers that a run has already computed."""
