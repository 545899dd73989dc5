"""Columns leave with the type and the values that they came with."""

import pandas as pd
import pyarrow as pa
import pytest

from msfusion_sdk.cohort.export.export_tables import patient_table
from msfusion_sdk.cohort.export.pseudonyms import Pseudonyms

IDS = [f"P{n:02d}" for n in range(12)]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([2**53 + 1, 3] * 3, pa.int64()),
        ([True, False] * 3, pa.bool_()),
        (pd.array([1, None] * 3, "Int64"), pa.int64()),
        ([0.5, None] * 3, pa.float64()),
        (pd.Categorical(["low", None, "high"] * 2), pa.string()),
    ],
)
def test_a_patient_who_lacks_a_table_changes_no_type(cells: object, kind: pa.DataType) -> None:
    frame = pd.DataFrame({"x": cells}, IDS[3:9])
    table, left_out = patient_table(
        IDS, {"clinical": frame}, pd.Series(dtype="int64"), Pseudonyms(None)
    )
    column = table.column("clinical.x")
    assert column.type == kind
    expected = [None if pd.isna(cell) else cell for cell in frame["x"]]
    assert column.to_pylist() == [None] * 3 + expected + [None] * 3
    assert left_out == {}
