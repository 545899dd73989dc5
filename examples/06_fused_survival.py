"""Tables with gaps to a risk, judged in folds: ``python 06_fused_survival.py``.

Slide vectors are one more table: ``cohort.tables()`` has them under ``slide``.
"""

import warnings

import pandas as pd

from msfusion_sdk import FusionSurvival, evaluate
from msfusion_sdk.tables import read_table
from msfusion_sdk.testing import make_cohort

made = make_cohort("made", n_slides=0)
tables = {
    "clinical": read_table(made.clinical).set_index("patient_id"),  # every eighth patient lacks it
    "genomics": read_table(made.genomics).set_index("patient_id"),  # every tenth lacks this
}
patients = read_table(made.patients).set_index("patient_id")
known = sorted(set(tables["clinical"].index) | set(tables["genomics"].index))
patients = patients.loc[known]  # who is in no table has nothing to be judged by
y = pd.DataFrame({"time": patients["time_months"], "event": patients["event"] == 1})

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # few patients: what limits the numbers is on the page
    result = evaluate(FusionSurvival(), tables, y, folds=3, bootstrap=50)
print(result.to_markdown())

model = FusionSurvival().fit(tables, y)
clinical_only = {"clinical": tables["clinical"].head(3)}
print(model.predict_survival(clinical_only, times=[12, 36]))  # any of the tables will do
