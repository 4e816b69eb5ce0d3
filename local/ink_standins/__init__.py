"""Stand-ins for Docker Hub's images, made on this machine: what a cluster builds from where docker.io is not reached.

Test equipment: a local cluster's registry mirror serves them. No part of the installer.
"""
