// Package config has the flags about archives.
package config

import "github.com/spf13/pflag"

// Options say where archives are kept and under which address others fetch them.
type Options struct {
	StoragePath        string
	StorageAddress     string
	StorageAdvAddress  string
	ArtifactDigestAlgo string
}

// BindFlags adds the flags to a set.
func (o *Options) BindFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.StoragePath, "storage-path", "", "The folder that archives are kept in.")
	flags.StringVar(&o.StorageAddress, "storage-addr", ":9090", "The address that archives are served at.")
	flags.StringVar(&o.StorageAdvAddress, "storage-adv-addr", "", "The address that others fetch archives from.")
	flags.StringVar(&o.ArtifactDigestAlgo, "artifact-digest-algo", "sha256", "The algorithm of archives' digests.")
}
