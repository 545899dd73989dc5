"""A cohort grows and is mended: rows added, set, moved and removed, results kept."""
