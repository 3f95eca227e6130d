"""Requests to addresses that users give: they lead out of here, and nowhere else."""
