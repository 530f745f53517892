"""The regressor: from an aligned crop to coefficients of a face model."""
