"""Draw the rooms as the import contract stacks them, into ``img/rooms.svg``.

Layers come from ``pyproject.toml``, which ``lint-imports`` checks, and subjects from the rooms' own
first lines: the picture cannot say anything else than the code.
"""

import ast
import re
import tomllib
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[1]
PICTURE = Path(__file__).parent / "img" / "rooms.svg"
WIDTH, HIGH, GAP, LEFT = 1100, 58, 10, 16
COLOURS = ("#efe6fb", "#fde7ef", "#fdf2cf", "#e4f3e6", "#e3e9fd", "#f1f5f9")
STYLE = """
    text { font: 14px Roboto, Helvetica, Arial, sans-serif; fill: #111827; text-anchor: middle }
    .room { font-weight: bold } .small { font-size: 11px; fill: #374151 }
    .box { stroke: #374151; stroke-width: 1 }"""


def layers() -> list[list[str]]:
    """Return the rooms of every layer, the top one first."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contract = settings["tool"]["importlinter"]["contracts"][0]
    return [
        [name.strip(" ()").removeprefix("msfusion_sdk.") for name in layer.split("|")]
        for layer in contract["layers"]
    ]


def home(room: str) -> Path:
    """Return the folder or file of a room."""
    if room == "msfusion_adapters":
        return ROOT / "adapters" / room
    folder = ROOT / "msfusion_sdk" / room
    return folder if folder.is_dir() else folder.with_suffix(".py")


def subject(room: str) -> str:
    """Return what a room is for: the first line of its docstring."""
    path = home(room)
    source = (path / "__init__.py" if path.is_dir() else path).read_text("utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").splitlines()[0].replace("``", "")


def box(room: str, x: float, y: float, width: float, colour: str) -> str:
    """Return the picture of one room: its name, and as much of its subject as there is room for."""
    middle, text = x + width / 2, subject(room)
    words = text if len(text) < width / 5.4 else re.split(r"[:,;.]", text)[0]
    name = room if home(room).is_file() else f"{room}/"
    return (
        f'  <g><title>{escape(text)}</title><rect class="box" x="{x:.1f}" y="{y}" '
        f'width="{width:.1f}" height="{HIGH}" rx="6" fill="{colour}"/>'
        f'<text class="room" x="{middle:.1f}" y="{y + 25}">{escape(name)}</text>'
        f'<text class="small" x="{middle:.1f}" y="{y + 43}">{escape(words)}</text></g>'
    )


def draw() -> str:
    """Return the whole picture."""
    rows, boxes = layers(), []
    for number, rooms in enumerate(rows):
        y = GAP + number * (HIGH + GAP)
        width = (WIDTH - 2 * LEFT - GAP * (len(rooms) - 1)) / len(rooms)
        colour = COLOURS[number * len(COLOURS) // len(rows)]
        boxes += [
            box(room, LEFT + place * (width + GAP), y, width, colour)
            for place, room in enumerate(rooms)
        ]
    height = len(rows) * (HIGH + GAP) + GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        'aria-labelledby="title description">\n'
        '  <title id="title">The rooms of msfusion_sdk</title>\n'
        '  <desc id="description">Each row imports only from the rows below it; rooms side by side '
        "do not import each other.</desc>\n"
        f"  <style>{STYLE}\n  </style>\n"
        f'  <rect width="{WIDTH}" height="{height}" rx="10" fill="#fff"/>\n'
        + "\n".join(boxes)
        + "\n</svg>\n"
    )


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
