"""Metrics: arrays in, numbers out; one file a metric family.

Import names from its files (``from eval.nme import …``): ``import eval`` would hide Python's
builtin of the same name.
"""
