"""Outlines that people drew on a slide: read from six dialects, asked, written for QuPath.

Everything is in level-0 pixels, (x, y).  Files go through three steps: a parser per dialect
takes the text to drawings as the file holds them, one shared step makes valid polygons of
them or says all that is wrong, and the result answers questions.
"""

from msfusion_sdk.slides.annotations.reading import read_annotations
from msfusion_sdk.slides.annotations.result import AnnotatedRegion, Annotations, overlap
from msfusion_sdk.slides.annotations.writing import class_colours, write_qupath_geojson

__all__ = [
    "AnnotatedRegion",
    "Annotations",
    "class_colours",
    "overlap",
    "read_annotations",
    "write_qupath_geojson",
]
