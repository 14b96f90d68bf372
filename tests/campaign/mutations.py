"""Random damage to files, as disks, networks and people cause it."""

import random

_EXTREMES = (b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x00\x01\x00\x00")
_HEAD = 256  # bytes at the beginning, where formats store sizes and counts


def mutated(data: bytes, donor: bytes, rng: random.Random) -> tuple[str, bytes]:
    """Damage a file.

    Args:
        data: Its content.
        donor: The content of another file, whose beginning may replace this one's.
        rng: The random generator.

    Returns:
        The kind of damage in a word, and the damaged content.
    """
    content = bytearray(data)
    place = rng.randrange(len(data))
    match kind := rng.choice(
        ["cut", "flip", "flip", "header", "extreme", "zero", "repeat", "remove", "insert", "append"]
    ):
        case "cut":
            del content[place:]
        case "flip":
            end = rng.choice([min(_HEAD, len(data)), len(data)])
            for _ in range(rng.randint(1, 20)):
                content[rng.randrange(end)] = rng.randrange(256)
        case "header":
            length = rng.choice([4, 8, 16, 32, 64])
            content[:length] = donor[:length]
        case "extreme":
            at = rng.randrange(min(_HEAD, len(data)))
            content[at : at + 4] = rng.choice(_EXTREMES)
        case "zero":
            end = min(len(data), place + rng.randint(1, 512))
            content[place:end] = bytes(end - place)
        case "repeat":
            end = place + rng.randint(1, 512)
            content[place:place] = content[place:end] * rng.randint(1, 8)
        case "remove":
            del content[place : place + rng.randint(1, 512)]
        case "insert":
            content[place:place] = rng.randbytes(rng.randint(1, 64))
        case "append":
            content += rng.randbytes(rng.randint(1, 512))
    return kind, bytes(content)
