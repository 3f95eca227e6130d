"""The contexts of `sigdep up`: each opened by its own file, all of them put together by `opening.py`."""
