// Package dns chooses a DNS provider by name. This file stands in for lego's generated one,
// which imports the SDK of every cloud: the local platform needs dynamic update alone.
package dns

import (
	"fmt"

	"github.com/go-acme/lego/v4/challenge"
	"github.com/go-acme/lego/v4/providers/dns/rfc2136"
)

// NewDNSChallengeProviderByName returns the provider of that name, configured from the environment.
func NewDNSChallengeProviderByName(name string) (challenge.Provider, error) {
	if name == "rfc2136" {
		return rfc2136.NewDNSProvider()
	}
	return nil, fmt.Errorf("unrecognized DNS provider: %s", name)
}
