"""Where everything lies in the folder of a cohort, and its manifest."""
