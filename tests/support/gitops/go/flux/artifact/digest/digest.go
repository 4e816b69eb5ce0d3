// Package digest has the algorithm of archives' digests.
package digest

import (
	"crypto"
	_ "crypto/sha256" // makes the algorithm available
	"fmt"

	"github.com/opencontainers/go-digest"
)

// Canonical is the algorithm in use.
var Canonical = digest.SHA256

// AlgorithmForName returns the algorithm of that name.
func AlgorithmForName(name string) (digest.Algorithm, error) {
	if name != string(digest.SHA256) || !crypto.SHA256.Available() {
		return "", fmt.Errorf("digest algorithm %q: only sha256 is built in", name)
	}
	return digest.SHA256, nil
}
