"""Native dataset folders and video files -> clip table -> aligned onset and apex faces."""
