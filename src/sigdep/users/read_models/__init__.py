"""What readers see of people, workspaces and credentials. Rows of whoever is erased are deleted."""
