"""Features and a classifier -> leave-one-subject-out predictions and their scores."""
