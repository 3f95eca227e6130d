"""The code for one technology each: a port of the kernel, kept by a real database or broker."""
