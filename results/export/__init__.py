"""The slow loop: photos to vectors, in blocks, in many processes, cached."""
