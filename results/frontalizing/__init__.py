"""Frontalize folders of photos: files for each face, a sheet, a record; resumable."""
