from .compare import Shift as Shift
from .compare import find_shifts as find_shifts
from .profile import profile_tables as profile_tables
from .profile import read_profile as read_profile
from .profile import write_profile as write_profile
