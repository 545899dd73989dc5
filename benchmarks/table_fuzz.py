"""Damaged and mutated tables: each is refused with an own error, or read as it is written.

    python benchmarks/table_fuzz.py [--files 2000] [--seed 0]

Tables of patients (CSV, TSV, ``;``, XLSX, also with gzip), gene sets (GMT) and mutations (MAF) are
changed in width, encoding, bytes and types.  What the readers return is compared cell by cell with
a slow strict parser: Python's ``csv``, ``openpyxl`` or a split at tabs.  A row or column that moved
without a word, another value, or an error that is not the package's own is printed as a defect.
"""

import argparse
import csv
import gzip
import io
import math
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd

from msfusion_adapters.genomics import GenomicsAdapter
from msfusion_adapters.genomics.gene_sets import read_gmt
from msfusion_sdk.errors import MsfusionError
from msfusion_sdk.tables import read_table

Cells = list[list[str]]
SEPARATORS = {"csv": ",", "tsv": "\t", "semicolon.csv": ";"}
EMPTY = {"", "'--", "na", "nan", "n/a", "null", "none", ".", "--", "-", "unknown", "?"}
COUNTED = {"Missense_Mutation", "Nonsense_Mutation"}
NO_GENE = {"", ".", "NA", "Unknown"}
"""Mutations of these are left out, with a warning."""


def made_cells(rng: np.random.Generator) -> Cells:
    """Return the header and rows of a table of patients."""
    header = ["patient_id", "age", "stage", "score", "note"]
    rows = [
        [
            f"{number:04d}",
            str(rng.integers(30, 90)),
            str(rng.choice(["I", "II", "III", "NA"])),
            f"{rng.normal():.3f}",
            str(rng.choice(["ok", "a b", "see file", "übel", ""])),
        ]
        for number in rng.permutation(500)[: rng.integers(3, 30)]
    ]
    return [header, *rows]


def written(cells: Cells, separator: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows(cells)
    return text.getvalue().encode()


def changed_cells(cells: Cells, rng: np.random.Generator) -> Cells:
    """Return the table with one cell more, less, or of another kind."""
    cells = [list(row) for row in cells]
    row = cells[rng.integers(0, len(cells))]
    place = int(rng.integers(0, len(row)))
    odd = ['"', "a,b", "x\ty", "1;2", "line\nbreak", "#", "'--", "1,5", "NA", "∞", "1e999", "0x1F"]
    kind = rng.integers(0, 6)
    if kind == 0:
        del row[place]
    elif kind == 1:
        row.insert(place, str(rng.choice(["", "extra"])))
    elif kind == 2:
        cells.insert(int(rng.integers(0, len(cells))), list(cells[0]))
    elif kind == 3:
        cells.insert(0, ["Table 1"])
    else:
        row[place] = str(rng.choice(odd))
    return cells


def changed_bytes(data: bytes, rng: np.random.Generator) -> bytes:
    """Return the file cut, with bytes changed, or in another encoding."""
    place = int(rng.integers(0, max(1, len(data))))
    kind = rng.integers(0, 7)
    if kind == 0:
        return data[:place]
    if kind == 1:
        return data[:place] + bytes([rng.integers(0, 256)]) + data[place + 1 :]
    if kind == 2:
        return data[:place] + rng.bytes(3) + data[place:]
    if kind == 3:
        return data.replace(b"\n", b"\r\n") if rng.random() < 0.5 else data.replace(b"\n", b"\r")
    try:
        return data.decode().encode(str(rng.choice(["cp1252", "utf-16", "utf-8-sig", "utf-16-le"])))
    except UnicodeError:
        return data + b"\n\n"


def strict_text(data: bytes) -> list[Cells]:
    """Return every even table that a text may be, by separator."""
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    is_16 = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = data.decode("utf-16" if is_16 else "utf-8-sig")
    if "\n" not in text:
        text = text.replace("\r", "\n")
    found = []
    for separator in ",\t;|":
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        try:
            cells = [row for row in rows if row]
        except csv.Error:
            continue
        if len({len(row) for row in cells}) == 1:
            found.append(cells)
    return found


def strict_workbook(data: bytes) -> list[Cells]:
    """Return the cells of the only sheet, as text."""
    sheet = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]
    rows = [["" if cell is None else str(cell) for cell in row] for row in sheet.values]
    width = 1 + max(place for row in rows for place, cell in enumerate(row) if cell)
    return [[row[:width] for row in rows if any(row)]]


def is_same(frame: pd.DataFrame, cells: Cells) -> bool:
    """Return whether a frame holds these cells, in these places."""
    header, *rows = cells
    if [str(name) for name in frame.columns] != [name.strip() for name in header]:
        return False
    return len(rows) == len(frame) and all(
        _same(value, text)
        for values, row in zip(frame.itertuples(index=False), rows, strict=True)
        for value, text in zip(values, row, strict=True)
    )


def _same(value: Any, text: str) -> bool:
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return text.strip().lower() in EMPTY
    if isinstance(value, str):
        return value.strip() == text.strip()
    if isinstance(value, bool | np.bool_):
        return text.strip().lower() == str(bool(value)).lower()
    try:
        return math.isclose(float(value), float(text.replace(",", ".")), rel_tol=1e-12)
    except ValueError:
        return False


def table_case(rng: np.random.Generator, path: Path) -> Callable[[], bool]:
    """Write a table of patients; return what reads it and says whether it is right."""
    kind = str(rng.choice([*SEPARATORS, "xlsx"]))
    cells = changed_cells(made_cells(rng), rng) if rng.random() < 0.6 else made_cells(rng)
    if kind == "xlsx":
        data = _workbook(cells)
        data = changed_bytes(data, rng) if rng.random() < 0.3 else data
    else:
        data = written(cells, SEPARATORS[kind])
        data = changed_bytes(data, rng) if rng.random() < 0.6 else data
        if rng.random() < 0.25:
            kind, data = f"{kind}.gz", gzip.compress(data)
            data = changed_bytes(data, rng) if rng.random() < 0.4 else data
    file = path.with_name(f"{path.name}.{kind}")
    file.write_bytes(data)
    strict = strict_workbook if kind == "xlsx" else strict_text

    def check() -> bool:
        frame = read_table(file)
        return any(is_same(frame, cells) for cells in strict(data))

    return check


def _workbook(cells: Cells) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    sheet = book.worksheets[0]
    for row in cells:
        sheet.append(row)
    book.save(out)
    return out.getvalue()


def gmt_case(rng: np.random.Generator, path: Path) -> Callable[[], bool]:
    """Write gene sets."""
    lines = [
        "\t".join([f"SET_{n}", "na", *(f"G{g}" for g in rng.integers(0, 50, rng.integers(1, 9)))])
        for n in range(rng.integers(1, 8))
    ]
    data = changed_bytes("\n".join(lines).encode() + b"\n", rng)
    file = path.with_name(f"{path.name}.gmt")
    file.write_bytes(data)

    def check() -> bool:
        found = read_gmt(file)
        is_16 = data[:2] in (b"\xff\xfe", b"\xfe\xff")
        text = data.decode("utf-16" if is_16 else "utf-8-sig").replace("\r\n", "\n")
        text = text if "\n" in text else text.replace("\r", "\n")
        rows = [line.split("\t") for line in text.split("\n") if line.strip()]
        return found == {name: [g.strip() for g in row if g.strip()] for name, _, *row in rows}

    return check


def maf_case(rng: np.random.Generator, path: Path) -> Callable[[], bool]:
    """Write mutations."""
    header = ["Hugo_Symbol", "Variant_Classification", "Tumor_Sample_Barcode"]
    classes = ["Missense_Mutation", "Nonsense_Mutation", "Silent"]
    rows = [
        [f"G{rng.integers(0, 9)}", str(rng.choice(classes)), f"P{rng.integers(0, 6):02d}"]
        for _ in range(rng.integers(3, 30))
    ]
    cells = changed_cells([header, *rows], rng) if rng.random() < 0.6 else [header, *rows]
    data = written(cells, "\t")
    data = changed_bytes(data, rng) if rng.random() < 0.6 else data
    file = path.with_name(f"{path.name}.maf")
    file.write_bytes(data)

    def check() -> bool:
        matrix = GenomicsAdapter(layout="maf").read(file)
        found = {(p, g) for p, row in matrix.iterrows() for g in row.index[row == 1]}
        return any(found == _mutated(cells) for cells in strict_text(data))

    return check


def _mutated(cells: Cells) -> set[tuple[str, str]]:
    start = next((n for n, row in enumerate(cells) if "Hugo_Symbol" in row), None)
    if start is None:
        return set()
    rows = [dict(zip(cells[start], row, strict=True)) for row in cells[start + 1 :]]
    return {
        (row["Tumor_Sample_Barcode"].strip(), row["Hugo_Symbol"])
        for row in rows
        if row.get("Variant_Classification") in COUNTED and row["Hugo_Symbol"] not in NO_GENE
    }


CASES = (table_case, table_case, table_case, gmt_case, maf_case)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    count: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(args.files):
            rng = np.random.default_rng([args.seed, number])
            check = CASES[number % len(CASES)](rng, Path(folder, f"{number:05d}"))
            try:
                what = "read as written" if check() else "DEFECT: not as written"
            except MsfusionError:
                what = "refused"
            except Exception as error:  # what is no own error is the defect
                what = f"DEFECT: {type(error).__name__}: {str(error)[:80]}"
            count[what] += 1
            if what.startswith("DEFECT"):
                print(f"{CASES[number % len(CASES)].__name__} {number}: {what}")
    print(", ".join(f"{what} {times}" for what, times in count.most_common()))


if __name__ == "__main__":
    main()
