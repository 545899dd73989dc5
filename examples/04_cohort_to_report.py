"""A cohort from two tables to one page: ``python 04_cohort_to_report.py [PATIENTS SLIDES]``."""

import sys

from msfusion_sdk import Cohort, SlideEncoder
from msfusion_sdk.report import write_report
from msfusion_sdk.testing import make_cohort


def main() -> None:
    # Without arguments patients are made up, and the file of the last slide is empty on purpose.
    made = make_cohort("made", n_patients=20, n_slides=2)
    patients, slides = sys.argv[1:] if len(sys.argv) > 2 else (made.patients, made.slides)

    cohort = Cohort.create("cohort", patients=patients, slides=slides)
    if len(sys.argv) < 3:
        cohort.add_modality("clinical", made.clinical)
    run = cohort.encode(SlideEncoder.from_pretrained(), workers=1, patches=True)
    for slide in run.failed:
        print(slide.slide_id, slide.status, slide.code, "-", slide.reason)

    print(cohort.completeness())
    print(cohort.export("features.parquet").rows, "patients in features.parquet")
    print("open", write_report(["cohort"], "report.html"))


if __name__ == "__main__":  # worker processes import this file again
    main()
