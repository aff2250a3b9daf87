"""Image files of any format that is read, to pixels, within bounds of memory."""
