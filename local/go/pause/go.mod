// The process that holds a pod's (and the node's) namespaces; standard library only.
module ink.local/pause

go 1.26
