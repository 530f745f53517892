"""Restoration in numbers: faces whose truth is known, methods that restore them, judges."""
