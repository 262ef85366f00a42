"""Wording shared by messages and pages."""


def format_count(n: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun, as "1 clip" or "3 clips"; `plural` is `noun` + "s" unless given."""
    return f"{n} {noun if n == 1 else plural or noun + 's'}"
