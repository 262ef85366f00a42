"""Numbers that several pages quote are the same on each of them."""

import re

import pytest

from mer import bundle
from tests.printed import ROOT


def line_with(page, phrase):
    """The line of a page of the repository that contains `phrase`."""
    found = [line for line in (ROOT / page).read_text(encoding="utf-8").splitlines() if phrase in line]
    assert len(found) == 1, f"{page}: {phrase!r} on {len(found)} lines"
    return found[0]


def score(value):
    """A score as the pages print it: .798"""
    return f"{value:.3f}".removeprefix("0")


@pytest.mark.parametrize(
    "page, phrase",
    [
        ("README.md", "| the bundled classifier on the same clips"),
        ("docs/results/real-flow-dev.md", "| the bundle that ships, no real clip fitted"),
        ("docs/results/real-flow-dev.md", "**Designed on these clips"),
        ("docs/results/real-flow-dev.md", "- UF1 "),
    ],
)
def test_the_bundles_score_is_that_of_its_evidence(page, phrase):
    assert score(bundle.load().recipe.evidence.uf1) in line_with(page, phrase)


def test_the_card_and_the_page_agree_on_smiles_and_calibration():
    evidence = bundle.load().recipe.evidence
    card = (bundle.default_path() / bundle.CARD_FILE).read_text(encoding="utf-8")
    row = next(line for line in card.splitlines() if line.startswith("| real micro-expressions"))
    cells = [cell.strip() for cell in row.split("|")[2:-1]]
    assert cells[:3] == [str(evidence.n_clips), f"{evidence.uf1:.3f}", f"{evidence.calibration_error:.3f}"]
    line = line_with("docs/results/real-flow-dev.md", "- UF1 ")
    found, smiles = re.search(r"positive (\d+) of (\d+)", line).groups()
    assert re.search(rf"{found} of\s+{smiles} smiles", card)
    assert score(evidence.calibration_error) in line


@pytest.mark.parametrize("page", ["README.md", "docs/results/real-flow-dev.md"])
def test_scores_of_unseen_subjects_are_those_of_the_table(page):
    table = "docs/results/real-flow-dev.md"
    nested = line_with(table, "chosen inside (`mer-net-nested`)").split("|")[3].strip(" *")
    logistic = line_with(table, "| `logistic` (C = 1e-3) |").split("|")[3].strip()
    text = (ROOT / page).read_text(encoding="utf-8")
    assert re.search(rf"\*{{0,2}}{re.escape(nested)}\*{{0,2}}", text)
    assert re.search(rf"logistic regression\s+{re.escape(logistic)}", text)


@pytest.mark.parametrize("page", ["docs/results/acted-clips.md", "mer/bundles/synthetic/README.md"])
def test_pages_state_the_bundles_limits(page):
    ranges = bundle.load().recipe.validated_ranges
    text = (ROOT / page).read_text(encoding="utf-8")
    assert f"{ranges['motion of the face'][1]:g} %" in text
    assert f"{ranges['duration'][1]:g} s" in text


@pytest.mark.parametrize("page", ["flow-benchmark-scanned.md", "flow-benchmark.md"])
def test_flow_errors_of_the_readme_are_those_of_the_benchmark(page):
    measured = line_with(f"docs/results/{page}", "- 224 px: least mean error by")
    ours, classical = re.search(r"srflownet ([\d.]+ px).*?then variational ([\d.]+ px)", measured).groups()
    quoted = line_with("README.md", f"(docs/results/{page})")
    assert f"| {ours}; best classical method {classical}" in quoted
