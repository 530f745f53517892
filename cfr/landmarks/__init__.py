"""Face detectors that give five and 68 points, and what to do about none and several."""
