"""Trainers of recognizers and of classifiers of faces."""
