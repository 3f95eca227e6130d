"""Carries out the commands of the context, and answers its questions."""
