"""Servers for a cluster on one machine: programs that are there, with their data in our folder."""
