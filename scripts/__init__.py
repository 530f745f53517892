"""Thin command lines: parse, call the packages, print."""
