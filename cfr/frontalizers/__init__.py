"""Frontalizers: from a photo of a face to the same face in another pose; one file a method."""
