"""Decoding of image files, within bounds of memory."""
