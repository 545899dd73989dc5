from .cohort import Cohort as Cohort
from .cohort import OutcomeWarning as OutcomeWarning
from .encoding.run import EncodingRun as EncodingRun
from .encoding.run import RunProgress as RunProgress
from .export.export import ExportReport as ExportReport
from .store.ledger import SlideStatus as SlideStatus
from .store.status import CohortStatus as CohortStatus
from .workers.settings import RunSettings as RunSettings
