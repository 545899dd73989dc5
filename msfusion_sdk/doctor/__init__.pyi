from .cohort import examine_cohort as examine_cohort
from .examine import examine as examine
from .finding import Finding as Finding
from .finding import Report as Report
