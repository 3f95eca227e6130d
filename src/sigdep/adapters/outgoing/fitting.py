"""As much of a message as fits into so many bytes."""

from collections.abc import Callable

from msgspec.structs import replace

from sigdep.kernel.channel import Message

Encode = Callable[[Message], bytes]


def fitting(message: Message, encode: Encode, bytes_max: int) -> bytes | None:
    """The message encoded, its body shortened as far as it must be, and its title after that.

    None: not even the rest of it fits.
    """
    whole = encode(message)
    if len(whole) <= bytes_max:
        return whole
    without_body = replace(message, body="")
    if len(encode(without_body)) <= bytes_max:
        return _longest(message.body, lambda body: encode(replace(message, body=body)), bytes_max)
    if len(encode(replace(without_body, title=""))) <= bytes_max:
        return _longest(message.title, lambda title: encode(replace(without_body, title=title)), bytes_max)
    return None


def _longest(text: str, encode: Callable[[str], bytes], bytes_max: int) -> bytes:
    """With the longest beginning of the text that fits. Encoded, a longer text is never shorter."""
    fits, too_long = 0, len(text)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if len(encode(_cut(text, middle))) <= bytes_max:
            fits = middle
        else:
            too_long = middle
    return encode(_cut(text, fits))


def _cut(text: str, characters: int) -> str:
    return text[:characters].rstrip() + "…" if characters else ""
