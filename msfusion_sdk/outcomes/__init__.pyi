from .classes import ClassOutcome as ClassOutcome
from .numbers import NumberOutcome as NumberOutcome
from .outcome import Outcome as Outcome
from .reading import read_outcome as read_outcome
from .survival import LongTimeWarning as LongTimeWarning
from .survival import SurvivalOutcome as SurvivalOutcome
from .survival import ZeroTimeWarning as ZeroTimeWarning
