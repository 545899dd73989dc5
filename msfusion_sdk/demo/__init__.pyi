from .cohort import run_cohort_demo as run_cohort_demo
from .slide import run_demo as run_demo
