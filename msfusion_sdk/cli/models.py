"""``msfusion models``: ``list``, ``show``, ``convert``, ``check``."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from msfusion_sdk.cli.shared.console import known_words, out
from msfusion_sdk.cli.shared.encoding_options import Device, Json

__all__ = ["app"]

app = typer.Typer(
    help="Models inside the package, networks that are known, weights and their checks.",
    invoke_without_command=True,
)


@app.callback()
def _default(context: typer.Context, json: Json = False) -> None:
    """Without a command: list the models inside the package and the networks that are known."""
    if context.invoked_subcommand is not None:
        return
    if not json:
        list_models()
        return
    for row in _embedded():
        out.print_json(data=row, indent=None)


@app.command("list")
def list_models(json: Json = False) -> None:
    """List the models inside the package, installed networks, and published ones that are known."""
    from msfusion_sdk.encoder.sources.known import known_networks
    from msfusion_sdk.encoder.sources.registry import list_networks

    rows = _embedded()
    if json:
        for row in rows:
            out.print_json(data={"kind": "model", **row}, indent=None)
        for name, origin in list_networks().items():
            out.print_json(data={"kind": "network", "name": name, "from": origin}, indent=None)
        for known in known_networks().values():
            out.print_json(data={"kind": "known network", **known.model_dump()}, indent=None)
        return
    table = Table("model", "default", "classes", "µm/px", "weights", box=None, pad_edge=False)
    for row in rows:
        table.add_row(
            row["name"],
            "yes" if row["default"] else "",
            ", ".join(row["classes"]),
            f"{row['target_mpp']:g}",
            row["weights_sha256"][:12],
        )
    out.print(table)
    out.print("Model cards:", *(f"{r['name']}: {r['card']}" for r in rows), sep="\n", markup=False,
              soft_wrap=True)  # fmt: skip
    for name, origin in list_networks().items():
        out.print(f"Installed network: {name} from {origin}", markup=False)
    out.print("\nKnown networks; their weights come from their publishers:")
    out.print(_known_table())


def _embedded() -> list[dict[str, Any]]:
    from msfusion_sdk.encoder.weights.encoder_folder import read_manifest
    from msfusion_sdk.encoder.weights.hub import DEFAULT_MODEL, embedded_models

    rows = []
    for name, folder in embedded_models().items():
        manifest = read_manifest(folder)
        rows.append(
            {
                "name": name,
                "default": name == DEFAULT_MODEL,
                "classes": list(manifest.encoder.network.classes),
                "target_mpp": manifest.encoder.patches.target_mpp,
                "weights_sha256": manifest.weights_sha256,
                "card": str(folder / "README.md"),
            }
        )
    return rows


def _known_table() -> Table:
    from msfusion_sdk.encoder.sources.known import known_networks

    table = Table("network", "M", "px", "µm/px", "features", "licence", "gate", "weights",
                  box=None, pad_edge=False)  # fmt: skip
    for known in known_networks().values():
        table.add_row(
            known.name,
            "" if known.parameters_m is None else f"{known.parameters_m:.4g}",
            str(known.image_px),
            " ".join(f"{mpp:g}" for mpp in known.mpp),
            str(known.features),
            escape(known.licence.name),
            "gated" if known.licence.gated else "",
            "run here" if known.weights_run else "not run here",
        )
    return table


@app.command()
def show(
    name: Annotated[
        str, typer.Argument(help="A known network, a model inside the package, or a folder.")
    ],
    json: Json = False,
) -> None:
    """Say what is known of a network, or show the card of a model."""
    from msfusion_sdk.encoder.sources.known import known_network
    from msfusion_sdk.encoder.weights.encoder_folder import read_manifest
    from msfusion_sdk.encoder.weights.hub import embedded_models
    from msfusion_sdk.storage.model_folder import CARD_FILE

    folder = embedded_models().get(name, Path(name))
    if folder.is_dir():
        manifest = read_manifest(folder)
        if json:
            typer.echo(manifest.model_dump_json())
            return
        card = folder / CARD_FILE
        text = card.read_text("utf-8", errors="replace") if card.is_file() else "No model card."
        out.print(text, markup=False, soft_wrap=True)
        return
    known = known_network(name)
    if json:
        typer.echo(known.model_dump_json())
        return
    table = Table(show_header=False, box=None)
    for field, value in {**known.model_dump(), **known.geometry()}.items():
        if value not in (None, "", (), {}):
            text = ", ".join(f"{k}={v}" for k, v in value.items() if v not in ("", None)) if (
                isinstance(value, dict)
            ) else str(value)  # fmt: skip
            table.add_row(f"[bold]{field}[/]", escape(text))
    out.print(table)


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="Weights as .bin, .pt or .pth.")],
    target: Annotated[Path, typer.Argument(help="The .safetensors file to write.")],
) -> None:
    """Make safetensors of a pickle once; only tensors are read, no code of it is run."""
    from msfusion_sdk.encoder.sources.weight_files import convert_pickle, file_sha256

    with known_words():
        count = convert_pickle(source, target)
    out.print(f"{target}: {count} tensors, SHA-256 {file_sha256(target)}", markup=False,
              soft_wrap=True)  # fmt: skip


@app.command()
def check(
    model: Annotated[str, typer.Argument(help="A model folder, an embedded model or a hub id.")],
    device: Device = "cpu",
) -> None:
    """Load a model with all checks, run its golden output, and say what computes it."""
    from msfusion_sdk.encoder.slide_encoder import SlideEncoder
    from msfusion_sdk.encoder.weights.encoder_folder import read_manifest
    from msfusion_sdk.encoder.weights.golden import require_golden
    from msfusion_sdk.encoder.weights.hub import locate_model

    folder = locate_model(model)
    encoder = SlideEncoder.from_pretrained(folder, device=device)
    # Asked for once more: loading trusts weights of equal versions without computing.
    require_golden(folder, encoder.model, read_manifest(folder).golden)
    backend = encoder.backend()
    out.print(f"{encoder.config.name}: weights and golden output are as they should be.")
    out.print(f"Fingerprint {encoder.fingerprint}", soft_wrap=True)
    what = backend.name or encoder.runtime.backend
    text = f"Computed by {what} on {encoder.runtime.device} in {encoder.runtime.precision}"
    if backend.difference is not None:
        text += f", {backend.difference:.2g} from torch in fp32"
    out.print(f"{text}. {backend.remark}".rstrip(), markup=False, soft_wrap=True)
