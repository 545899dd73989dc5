from .applied import Applied as Applied
from .apply import apply_to_cohort as apply_to_cohort
from .apply import apply_to_slides as apply_to_slides
from .heat_maps import write_heat_maps as write_heat_maps
from .to_file import apply_to_file as apply_to_file
