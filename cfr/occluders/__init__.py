"""Things that cover faces, drawn into photos: one file a kind or family, ``kinds`` knows all."""
