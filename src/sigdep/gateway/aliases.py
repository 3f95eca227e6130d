"""The singular of a public name works too: `/api/task` is `/api/tasks`."""


def singular(segment: str) -> str | None:
    """The singular of a part of a path, where it is a plural.

    English enough for names that we choose ourselves; a wrong guess adds a name that nobody asks for.
    """
    if segment.endswith("ies"):
        return segment[:-3] + "y"
    if segment.endswith("s") and not segment.endswith("ss"):
        return segment[:-1]
    return None
