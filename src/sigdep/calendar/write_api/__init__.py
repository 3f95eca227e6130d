"""The routes of this context that change something."""
