"""Datasets of digits: what exists, how it is had and checked, where it is kept.

dataset      labelled images, in a part for training and one for the test
catalog      what datasets exist and by which checksums they are known
sources      the box, mirrors, URLs, files and folders -> the four arrays of a dataset
download     single files over HTTP, verified
manifest     the files of a dataset, and what vouches for them
store        the arrays on disk, memory-mapped: ``open_dataset("mnist+mine").train.images``
labelled     a file of the user's labelled digits; gathering, a folder of pictures or files
"""
