"""What SigDep is held against: rivals, limits and targets, measured in one run."""
