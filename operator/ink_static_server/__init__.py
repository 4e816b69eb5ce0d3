"""The small web server that is copied into images of static files: server.py is a program of its own, in one file.

It runs where none of our packages are, on the standard library alone.
"""
