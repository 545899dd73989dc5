"""What is predicted: declared in a cohort, checked, and carried to the report."""
