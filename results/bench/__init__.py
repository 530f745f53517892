"""Benchmarks: every subject is timed against a reference in the same run.

Machines differ and are noisy; the ratio to the reference travels, the seconds do not.
"""
