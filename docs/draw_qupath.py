"""Draw img/qupath.png: what a GeoJSON file of ours holds, as QuPath shows it.

    python docs/draw_qupath.py

Reads nothing but the slide's thumbnail and the file: outlines in the colours that it names, and
tiles by the measurement ``weight``, as in QuPath's measurement maps.
"""

import json
import tempfile
from pathlib import Path

import numpy as np
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from msfusion_sdk import SlideEncoder, open_slide
from msfusion_sdk.figures.slides.small_png import write_small_png
from msfusion_sdk.slides.tissue.overview import read_overview
from msfusion_sdk.testing import make_slide

PICTURE = Path(__file__).parent / "img" / "qupath.png"


def draw(slide: Path, geojson: Path) -> Figure:
    """Return the picture of a slide and a file of ours."""
    features = json.loads(geojson.read_text())["features"]
    with open_slide(slide) as opened:
        overview = read_overview(opened, 0.25, 8.0)
        width, height = opened.dimensions
    figure = Figure(figsize=(7, 4.4), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(overview.pixels, extent=(0, width, height, 0))
    tiles = [one for one in features if one["properties"]["objectType"] == "tile"]
    weights = np.array([one["properties"]["measurements"]["weight"] for one in tiles])
    squares = [Polygon(one["geometry"]["coordinates"][0]) for one in tiles]
    drawn = axes.add_collection(
        PatchCollection(squares, array=weights, cmap="viridis", alpha=0.6, edgecolor="black")
    )
    for one in features:
        if one["properties"]["objectType"] == "annotation":
            colour = np.array(one["properties"]["classification"]["color"]) / 255
            for ring in one["geometry"]["coordinates"]:
                axes.plot(*np.array(ring).T, color=colour, linewidth=2)
    figure.colorbar(drawn, label="measurement weight of a tile (they sum to 1)")
    axes.set(xlim=(0, width), ylim=(height, 0), xlabel="x, level-0 px", ylabel="y, level-0 px")
    axes.set_title(
        "A synthetic slide: annotation of class Tissue (green), tile objects", fontsize=10
    )
    return figure


def main() -> None:
    """Make a slide, encode it and draw what was exported."""
    with tempfile.TemporaryDirectory() as folder:
        slide = make_slide(Path(folder) / "case.svs", 9000, 6000, coverage=0.5)
        geojson = (
            SlideEncoder.from_pretrained().encode(slide).to_geojson(Path(folder) / "c.geojson")
        )
        write_small_png(draw(slide, geojson), PICTURE)


if __name__ == "__main__":
    main()
