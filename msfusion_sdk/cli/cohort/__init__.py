"""``msfusion cohort …``: a command line for a cohort, a file for each kind of command."""
