from .cohort import Cohort as Cohort
from .encoding.run import EncodingRun as EncodingRun
from .encoding.run import RunProgress as RunProgress
from .export.export import ExportReport as ExportReport
from .outcomes_of import OutcomeWarning as OutcomeWarning
from .store.ledger import SlideStatus as SlideStatus
from .store.status import CohortStatus as CohortStatus
from .workers.settings import RunSettings as RunSettings
