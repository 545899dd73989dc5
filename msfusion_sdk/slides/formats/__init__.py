"""Readers of formats beyond OpenSlide: tiled TIFF with sub-levels, OME-TIFF, OME-Zarr, CZI."""
