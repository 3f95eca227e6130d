"""`python -m sigdep.cli`: the command `sigdep`, by the interpreter that one chooses."""

from sigdep.cli import main

if __name__ == "__main__":
    main()
