"""Files and folders that are nobody's data: hidden, trash, caches of drives and archives, backups."""

import re

# What file managers, network drives, archives and editors leave in the folders of others: kind, whole name.
_PATTERNS = {
    "trash": r"\.trash.*|\$recycle\.bin|#recycle|recycler|trash",
    "system": r"__macosx|@eadir|\.ds_store|\._.*|thumbs(\.db)?|desktop\.ini|lost\+found|~\$.*"
    r"|system volume information",
    "hidden": r"\..*",
    "backup": r"(old[ _-])?back[ _-]?ups?([ _.\-(].*)?|.*[ _.\-]back[ _-]?ups?|.*\.(bak|orig)|.*~",
}


def clutter_kind(name: str) -> str:
    """Return why a name is nobody's data (trash, system, hidden, backup); empty where it may be."""
    kinds = (kind for kind, pattern in _PATTERNS.items() if re.fullmatch(pattern, name, re.IGNORECASE))
    return next(kinds, "")
