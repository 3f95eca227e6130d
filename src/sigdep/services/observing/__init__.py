"""What a process shows of itself: layers round its ports, which count and record, and what collects their figures."""
