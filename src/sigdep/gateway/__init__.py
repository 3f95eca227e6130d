"""The public edge: what the world may ask, checked, limited and passed on."""
