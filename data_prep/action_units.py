"""What a cell of action units says: the units shown, and the objective class they make.

Spreadsheets write them in many hands: `4+7`, `L1`, `R6+R12`, `A/L12`, `14A`, `ref(7B)+43`, `(R6 or R12)+R15`, `AU4(k)`, `?`.
"""

import re

# Source: Davison, Merghani and Yap, Objective classes for micro-facial expression recognition, Journal of Imaging 4(10), 2018
# (as printed in table 9 of Merghani, Davison and Yap, arXiv 1805.02397). Every other set of units is class VII.
_CLASSES = {
    "I": ("6", "12", "6+12", "6+7+12", "7+12"),
    "II": ("1+2", "5", "25", "1+2+25", "25+26", "5+24"),
    "III": ("23", "4", "4+7", "4+5", "4+5+7", "17+24", "4+6+7", "4+38"),
    "IV": ("10", "9", "4+9", "4+40", "4+5+40", "4+7+9", "4+9+17", "4+7+10", "4+5+7+9", "7+10"),
    "V": ("1", "15", "1+4", "6+15", "15+17"),
    "VI": ("1+2+4", "20"),
}
OBJECTIVE_CLASSES = {
    frozenset(map(int, units.split("+"))): name for name, sets in _CLASSES.items() for units in sets
}


def shown(cell: str) -> frozenset[int]:
    """The action units that a cell says are shown, as numbers; side (L, R), strength (A to E) and words are passed over.

    Left out is what the cell itself does not claim: alternatives (`R6 or R12`), and units held still all the time, which
    4DME marks with (k).
    """
    cell = re.sub(r"\([^()]*\bor\b[^()]*\)", "", cell)
    found = set()
    for part in re.split(r"[+,;]", cell):
        number = re.search(r"\d+", part)
        if number and "(k)" not in part.lower() and not re.search(r"\bor\b|\d\s*/\s*\d", part):
            found.add(int(number[0]))
    return frozenset(found)


def objective_class(cell: str) -> str:
    """The objective class, "I" to "VII", of the units in a cell; empty where it names none."""
    units = shown(cell)
    return OBJECTIVE_CLASSES.get(units, "VII") if units else ""
