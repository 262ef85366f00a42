"""Everything once on synthetic data, and replicas of the datasets."""
