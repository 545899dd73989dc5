"""Pages that are made when the site is built, and links that leave the folder of pages.

The reference of the command line comes from the commands themselves; examples, model card,
changelog and the page for contributors are the files of the repository.
"""

import json
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
CARD = "msfusion_sdk/encoder/embedded/lung-tiles-v2/README.md"
COPIED = {
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    "model-card.md": CARD,
}
FOLDERS = ("examples", "recipes")
ELSEWHERE = {source: page for page, source in COPIED.items()} | {
    "README.md": "index.md",
    **{folder: f"{folder}.md" for folder in FOLDERS},
}
BASES = COPIED | {"recipes.md": "recipes/README.md"}
ROLE = re.compile(r":(?:attr|class|func|meth|mod):<code>~?([\w.]*?)</code>")
LINK = re.compile(r"\]\((?!https://|#)([^)#]+)(#[^)]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made here."""
    pages = {page: (ROOT / source).read_text("utf-8") for page, source in COPIED.items()}
    pages |= {"examples.md": examples_page(), "cli-reference.md": command_page()}
    pages["recipes.md"] = recipes_page()
    for page, text in pages.items():
        base = (ROOT / BASES.get(page, "docs/x")).parent
        files.append(File.generated(config, page, content=with_links(text, base, "docs")))
    return files


def on_page_markdown(markdown: str, page, config: MkDocsConfig, files: Files) -> str:
    """Lead links to files beside the folder of pages to the pages made from them."""
    if page.file.generated_by:
        return markdown
    folder = (ROOT / "docs" / page.file.src_uri).parent
    return with_links(markdown, folder, folder.relative_to(ROOT).as_posix())


def on_page_content(html: str, page, config: MkDocsConfig, files: Files) -> str:
    """Show the Sphinx roles of docstrings as code."""
    return ROLE.sub(r"<code>\1</code>", html)


def with_links(text: str, base: Path, shown_in: str) -> str:
    """Write links, which are relative to ``base``, as they must be in the folder ``shown_in``."""

    def moved(match: re.Match[str]) -> str:
        target, anchor = match[1], match[2] or ""
        path = (base / target).resolve().relative_to(ROOT).as_posix()
        if path.split("/")[0] in FOLDERS:
            path, *inside = path.split("/")
            anchor = f"#{Path(inside[0]).stem}" if inside and inside[0] != "README.md" else anchor
        page = ELSEWHERE.get(path, path.removeprefix("docs/"))
        up = "../" * shown_in.removeprefix("docs").count("/")
        return f"]({up}{page}{anchor})"

    return LINK.sub(moved, text)


def examples_page() -> str:
    """Every example with its source."""
    lines = ["# Examples", "", "All are run by the tests, as they stand here.", ""]
    for path in sorted((ROOT / "examples").iterdir()):
        sources = [path] if path.suffix == ".py" else sorted(path.glob("*.*")) * path.is_dir()
        if path.suffix == ".ipynb":
            cells = json.loads(path.read_text("utf-8"))["cells"]
            lines += [f"## {path.name} {{#{path.stem}}}", ""]
            for cell in cells:
                text = "".join(cell["source"])
                is_code = cell["cell_type"] == "code"
                lines += [f"```python\n{text}\n```" if is_code else text.removeprefix("# "), ""]
        elif sources:
            lines += [f"## {path.name} {{#{path.stem}}}", ""]
        for source in sources:
            kind = {".py": "python", ".toml": "toml"}.get(source.suffix, "text")
            name = [f"`{source.name}`", ""] if path.is_dir() else []
            lines += [*name, f"```{kind}", source.read_text("utf-8").rstrip(), "```", ""]
    return "\n".join(lines)


def recipes_page() -> str:
    """Return the recipes for clusters, file by file."""
    lines = [(ROOT / "recipes" / "README.md").read_text("utf-8")]
    kinds = {".sh": "bash", ".nf": "groovy", ".yaml": "yaml", "": "text"}
    for folder in sorted(path for path in (ROOT / "recipes").iterdir() if path.is_dir()):
        lines += [f"## {folder.name} {{#{folder.name}}}", ""]
        for source in sorted(folder.iterdir()):
            kind = kinds[source.suffix]
            lines += [
                f"`{source.name}`",
                "",
                f"```{kind}",
                source.read_text("utf-8").rstrip(),
                "```",
                "",
            ]
    return "\n".join(lines)


def command_page() -> str:
    """Every command with its arguments and options, as ``--help`` tells them."""
    from typer.main import get_command

    from msfusion_sdk.cli.main import app

    lines = ["# Every command and option", ""]
    for name, command in walk("msfusion", get_command(app)):
        lines += [f"## `{name}`", "", "\n\n".join(paragraphs(command.help or "")), ""]
        rows = [row(parameter) for parameter in command.params if not parameter.hidden]
        if rows:
            lines += ["| | meaning | default |", "|---|---|---|", *rows, ""]
    return "\n".join(lines)


def walk(name: str, command) -> Iterator[tuple[str, object]]:
    """Yield a command and all below it, with their full names."""
    yield name, command
    for word, below in getattr(command, "commands", {}).items():
        yield from walk(f"{name} {word}", below)


def paragraphs(text: str) -> Iterator[str]:
    """Yield the paragraphs of a help text, each on one line."""
    for part in text.split("\n\n"):
        yield escape(" ".join(part.split()))


def row(parameter) -> str:
    """Return the table row of one argument or option."""
    flags = [*parameter.opts, *parameter.secondary_opts]
    is_option = flags[0].startswith("-")
    shown = ", ".join(f"`{flag}`" for flag in flags) if is_option else f"`{flags[0].upper()}`"
    default = parameter.default
    if parameter.required:
        default_text = "required"
    elif default is None or callable(default) or default in (False, [], ()):
        default_text = ""
    else:
        default_text = f"`{default}`"
    meaning = escape(" ".join((parameter.help or "").split())).replace("|", "\\|")
    return f"| {shown} | {meaning} | {default_text} |"
