"""Spreadsheets and annotation files: sheets, headers and cells."""
