"""What a node leaves on the machine: namespaces, control groups, processes, and the record that clusters share."""
