"""What every package needs and nothing else: errors, atomic files, progress, the registry, devices, settings,
the version.
"""

__version__ = "0.1.0"
