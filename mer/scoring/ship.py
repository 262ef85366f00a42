"""Makes the bundle that ships: fitted, calibrated and measured on people who do not exist.

    python -m mer.scoring.ship --out mer/bundles/synthetic

The first three quarters of the people are fitted on, the last quarter gives temperature, limits and the scores on the card.
"""

import numpy as np
from scipy.optimize import minimize_scalar

import mer
from mer import bundle, metrics, registry
from mer.bundle import Bundle, Recipe
from mer.disk import write_text
from mer.scoring import moment
from mer.scoring.actors import FACE, LABELS, MOVES, POSE, REST, TURN, Pair, pairs
from mer.scoring.head import POINTS, Dense, basis, fit, sample
from mer.scoring.watch import at_sites

PEOPLE, FIRST = 160, 20_000
METHOD, FEATURE, SETTINGS = "srflownet", "flow_image", {"size": 28}
CLASSIFIER, CLASSIFIER_SETTINGS = "logistic", {"C": 1e-3}
CONFIDENT = 0.5  # least probability of a label that is given
REST_SHARE = 0.95  # of the faces at rest lie below the least motion
MEASURED = {"frame rate": (23, 500), "distance of the eyes": (50, 2000), "head motion from onset to apex": (0, 4.0), "compression": (0.02, 1e9)}


def make(found: list[Pair]) -> tuple[Bundle, dict]:
    """The bundle, and what was measured on the people it was not fitted on."""
    labels = list(LABELS)
    X = np.stack([feature(pair) for pair in found])
    far = np.array([motion(pair) for pair in found])
    shown = np.array([pair.label for pair in found])
    people = np.array([pair.person for pair in found])
    held = people >= np.quantile(np.unique(people), 0.75)
    named = shown != REST
    y = np.array([labels.index(label) if label != REST else -1 for label in shown])

    rows = ~held & named
    both = np.concatenate([X[rows], mirrored(X[rows])])
    classifier = registry.load("mer.classifiers", CLASSIFIER).Classifier(len(labels), 0, **CLASSIFIER_SETTINGS)
    classifier.fit(both, np.tile(y[rows], 2))
    least = float(np.quantile(far[held & ~named], REST_SHARE))
    test = held & named & (far >= least)
    p = classifier.predict_proba(X[test])
    temperature = float(minimize_scalar(lambda t: _loss(p ** (1 / t), y[test]), bounds=(0.2, 5), method="bounded").x)
    recipe = Recipe(
        mer=mer.__version__, face_size=FACE, method=METHOD, method_options={"network": "compact", "weights": None}, match_exposure=True,
        feature=FEATURE, feature_settings=SETTINGS, classifier=CLASSIFIER, classifier_settings=[classifier.state()[1]], labels=labels,
        protocol="synthetic-3", clips={label: int((y[rows] == i).sum()) for i, label in enumerate(labels)},
        subjects=len(set(people[~held])), datasets=["splat engine"], synthetic=True, own_motion=True, temperature=round(temperature, 4),
        least_motion=round(least, 3), least_confidence=CONFIDENT, measured=MEASURED,
    )
    return Bundle(recipe, [classifier]), _scores(Bundle(recipe, [classifier]), X[held & named], y[held & named], far[held & named], least)


def feature(pair: Pair) -> np.ndarray:
    return registry.load("mer.features", FEATURE).extract(Dense(pair.landmarks, pair.flow.shape[:2]).own(pair.flow), pair.landmarks, **SETTINGS)


def mirrored(X: np.ndarray) -> np.ndarray:
    """Flow images (N, 3, h, w) of the same faces in a mirror: u changes its sign."""
    return X[..., ::-1] * np.array([-1, 1, 1], np.float32)[:, None, None]


def motion(pair: Pair) -> float:
    """As `Score.motion`: of the sites that move most, per cent of the inter-ocular distance."""
    from data_prep.landmarks import interocular

    points = pair.landmarks[:POINTS].astype(float)
    freedoms, moved = basis(points), sample(pair.flow, points)
    own = at_sites(moved - freedoms @ fit(freedoms, moved))[moment.SEEN]
    return float(np.sort(np.linalg.norm(own, axis=1))[-moment.SITES_COUNTED:].mean() / interocular(pair.landmarks) * 100)


def _loss(p: np.ndarray, y: np.ndarray) -> float:
    return float(-np.log(np.clip((p / p.sum(1, keepdims=True))[np.arange(len(y)), y], 1e-12, None)).mean())


def _scores(fitted: Bundle, X, y, far, least) -> dict:
    p = fitted.predict_proba(X)
    given = (far >= least) & (p.max(1) >= CONFIDENT)
    right = p.argmax(1) == y
    sure = p.max(1)[far >= least]
    bins = np.clip((sure * 10).astype(int), 0, 9)
    hit = right[far >= least]
    gap = sum(abs(hit[bins == b].mean() - sure[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins))
    return {"clips": len(y), "given": int(given.sum()), "right of given": float(right[given].mean()), "right of all": float(right.mean()),
            "calibration error": float(gap), "loss": _loss(p, y)}
