"""Face parsing: which pixel of a photo is skin, an eye, hair, …; one file a method."""
