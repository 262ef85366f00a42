"""What is measured and published in docs/results; not installed, run as `python -m benchmarks.NAME`."""
