#!/bin/bash
#SBATCH --job-name=msfusion-encode
#SBATCH --cpus-per-task=4
#SBATCH --mem=6G
#SBATCH --time=08:00:00
#SBATCH --requeue
#SBATCH --signal=B:TERM@120
# One shard: encode.sh COHORT SHARDS.  B: is this shell, which exec replaces, so that msfusion itself gets the signal
# two minutes before the time limit, and its exit code is that of the task.
exec msfusion cohort encode "$1" --shard "${SLURM_ARRAY_TASK_ID}/$2" --workers 2 --log-format json
