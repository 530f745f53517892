"""The method: Complete Face Recovery GAN, from the 3D face model to the restored photo."""
