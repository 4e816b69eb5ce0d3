package main

import (
	"github.com/anchore/syft/syft/pkg"
	"github.com/anchore/syft/syft/pkg/cataloger/alpine"
	"github.com/anchore/syft/syft/pkg/cataloger/debian"
	"github.com/anchore/syft/syft/pkg/cataloger/dotnet"
	"github.com/anchore/syft/syft/pkg/cataloger/golang"
	"github.com/anchore/syft/syft/pkg/cataloger/java"
	"github.com/anchore/syft/syft/pkg/cataloger/javascript"
	"github.com/anchore/syft/syft/pkg/cataloger/php"
	"github.com/anchore/syft/syft/pkg/cataloger/python"
	"github.com/anchore/syft/syft/pkg/cataloger/redhat"
	"github.com/anchore/syft/syft/pkg/cataloger/ruby"
	"github.com/anchore/syft/syft/pkg/cataloger/rust"

	_ "modernc.org/sqlite" // RPM's database is one of SQLite
)

// distributions: they say which files are theirs.
func distributions() []pkg.Cataloger {
	return []pkg.Cataloger{debian.NewDBCataloger(), alpine.NewDBCataloger(), redhat.NewDBCataloger()}
}

// languages: what is installed, not what a lock file wishes for.
func languages() []pkg.Cataloger {
	return []pkg.Cataloger{
		python.NewInstalledPackageCataloger(),
		javascript.NewPackageCataloger(),
		golang.NewGoModuleBinaryCataloger(golang.DefaultCatalogerConfig()),
		java.NewArchiveCataloger(java.DefaultArchiveCatalogerConfig()),
		ruby.NewInstalledGemSpecCataloger(),
		php.NewComposerInstalledCataloger(),
		rust.NewAuditBinaryCataloger(),
		dotnet.NewDotnetDepsBinaryCataloger(dotnet.DefaultCatalogerConfig()),
	}
}
