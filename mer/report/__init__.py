"""Pages and figures of runs and clips."""
