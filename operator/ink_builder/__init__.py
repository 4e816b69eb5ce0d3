"""What runs inside a build Job: clone, plan, drive BuildKit, write a verdict. Knows nothing of Kubernetes."""
