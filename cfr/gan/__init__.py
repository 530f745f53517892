"""CFR-GAN's networks: what they are made of, what they are trained with, and published weights."""
