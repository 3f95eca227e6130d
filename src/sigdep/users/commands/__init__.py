"""What is asked, by subject. `by` and `at` are stamped at the edge, from the call."""
