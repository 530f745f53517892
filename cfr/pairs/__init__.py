"""Swap-R&R: from a photo to a damaged face, its guide and the mask of what is to be repaired."""
