// Command calico is felix (the policy engine) and the calico CNI plugin in one static binary.
// The program is chosen by the name it is called by.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	cni "github.com/projectcalico/calico/cni-plugin/pkg/plugin"
	"github.com/projectcalico/calico/felix/daemon"
)

const version = "v3.28"

func main() {
	switch name := filepath.Base(os.Args[0]); name {
	case "calico":
		cni.Main(version)
	case "calico-felix":
		// The file may be absent: everything is then read from the environment and from the API.
		daemon.Run("/etc/calico/felix.cfg", version, "", "")
	default:
		fmt.Fprintf(os.Stderr, "calico: unknown program %q; call it calico or calico-felix (a symlink)\n", name)
		os.Exit(2)
	}
}
