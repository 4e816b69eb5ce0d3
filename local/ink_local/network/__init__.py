"""The node's network: its link to the machine, the port for apps, the stand-in for addresses it must not reach."""
