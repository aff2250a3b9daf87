"""Where data come from: named data sets, folders, files and Python objects, each as an ``ImageData``."""
