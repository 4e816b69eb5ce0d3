"""From the files of a repository to a way of building it. Pure: nothing here touches the network or a daemon."""
