"""Training sets with turned and de-occluded versions of their pictures: read, draw, make, write."""
