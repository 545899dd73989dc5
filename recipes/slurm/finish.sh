#!/bin/bash
#SBATCH --job-name=msfusion-finish
#SBATCH --mem=4G
#SBATCH --time=01:00:00
# When all tasks have ended: finish.sh COHORT.  Slides that are not done are listed; submit.sh again encodes them alone.
set -euo pipefail
msfusion cohort status "$1"
msfusion cohort compact "$1"
msfusion cohort export "$1" "$1-features.parquet"
