"""What tests of SigDep and of other people's adapters share: contract suites and real servers."""
