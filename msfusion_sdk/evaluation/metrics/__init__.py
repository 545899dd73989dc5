"""What is measured, and the intervals around it."""
