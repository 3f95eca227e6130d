"""What is asked, by subject.

`by` and `at` are stamped at the edge, from the call. A field that is UNSET is left as it is; None clears it.
"""
