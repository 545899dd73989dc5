from .by_name import check_tables as check_tables
from .files.table_file import TableFile as TableFile
from .frames import patient_table as patient_table
from .frames import read_table as read_table
from .frames import select_columns as select_columns
from .issues import CohortReport as CohortReport
from .issues import Issue as Issue
from .issues import TableWarning as TableWarning
