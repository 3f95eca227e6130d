"""The context of users: who someone is, and the workspaces they belong to."""
