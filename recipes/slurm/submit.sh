#!/bin/bash
# Submits the array, and one job after it: bash submit.sh [COHORT] [SHARDS]
set -euo pipefail
cohort=$(realpath "${1:-cohort}")
shards=${2:-20}
here=$(cd "$(dirname "$0")" && pwd)
array=$(sbatch --parsable --array="1-$shards" "$here/encode.sh" "$cohort" "$shards")
# afterany: also when a task has ended with 3, since slides that failed do not come right by waiting.
sbatch --dependency="afterany:$array" "$here/finish.sh" "$cohort"
