"""Files and folders that are not data: hidden files, trash, caches of drives and archives, backups."""

import re
import unicodedata
from collections.abc import Collection

# Kind -> pattern of the whole name, as left by file managers, network drives, archives and editors.
_PATTERNS = {
    "trash": r"\.trash.*|\$recycle\.bin|[#@]recycle|recycle[rd]|recycle bin|trash(-\d+)?"
    r"|network trash folder|papierkorb|corbeille|papelera( de reciclaje)?|cestino|prullenbak|lixeira"
    r"|корзина|回收站|資源回收桶|ごみ箱|휴지통",
    "system": r"__macosx|@eadir|@tmp|[@#].*snapshot|\.ds_store|\._.*|(eh)?thumbs(\.db)?|desktop\.ini"
    r"|lost\+found|lost\.dir|found\.\d{3}|~\$.*|system volume information|temporary items|__pycache__",
    "hidden": r"\..*",
    "backup": r"(old[ _-])?back[ _-]?ups?([ _.\-(\d].*)?|.*[ _.\-]back[ _-]?ups?([ _.\-(\d].*)?"
    r"|(.*[ _.\-])?bak\d*|.*\.(orig|old)|.*~",
}


_CAMERA_VIDEOS = {"clip", "video"}  # folders of XDCAM, XAVC S and P2 cards
_CAMERA_EXTRAS = {"thmbnl", "icon", "proxy", "sub"}


def clutter_kind(name: str) -> str:
    """Return the kind of clutter that a name denotes (trash, system, hidden, backup); empty for data."""
    name = unicodedata.normalize("NFC", name)
    kinds = (kind for kind, pattern in _PATTERNS.items() if re.fullmatch(pattern, name, re.IGNORECASE))
    return next(kinds, "")


def camera_extras(folders: Collection[str]) -> set[str]:
    """Return those of the sibling folders that hold thumbnails or small copies of a camera's videos."""
    if not _CAMERA_VIDEOS & {name.casefold() for name in folders}:
        return set()
    return {name for name in folders if name.casefold() in _CAMERA_EXTRAS}
