"""One file per feature: flow and landmarks of a clip -> what a classifier reads."""
