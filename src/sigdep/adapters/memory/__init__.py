"""The ports without a disk: the models that the real adapters are tested against."""
