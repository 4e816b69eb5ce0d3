// The SBOM generator that BuildKit runs over the root filesystem of what it has built: Syft's catalogers of installed
// packages, and nothing else of Syft. BuildKit's docs/attestations/sbom-protocol.md has the contract.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/anchore/syft/internal/tmpdir"
	"github.com/anchore/syft/syft/artifact"
	"github.com/anchore/syft/syft/file"
	"github.com/anchore/syft/syft/format/spdxjson"
	"github.com/anchore/syft/syft/linux"
	"github.com/anchore/syft/syft/pkg"
	"github.com/anchore/syft/syft/sbom"
	"github.com/anchore/syft/syft/source"
	"github.com/anchore/syft/syft/source/directorysource"
)

const (
	predicateType = "https://spdx.dev/Document"
	statementType = "https://in-toto.io/Statement/v0.1"
	// It runs in buildkitd's pod, whose memory the build's own steps need.
	memoryGoal = 512 << 20
)

// BuildKit fills in the subject: only it knows the image.
type statement struct {
	Type          string          `json:"_type"`
	PredicateType string          `json:"predicateType"`
	Subject       []struct{}      `json:"subject"`
	Predicate     json.RawMessage `json:"predicate"`
}

func main() {
	debug.SetMemoryLimit(memoryGoal)
	if err := run(os.Getenv("BUILDKIT_SCAN_SOURCE"), os.Getenv("BUILDKIT_SCAN_SOURCE_EXTRAS"), os.Getenv("BUILDKIT_SCAN_DESTINATION")); err != nil {
		fmt.Fprintln(os.Stderr, "sbom-scanner:", err)
		os.Exit(1)
	}
}

func run(core, extras, destination string) error {
	if core == "" || destination == "" {
		return errors.New("BUILDKIT_SCAN_SOURCE and BUILDKIT_SCAN_DESTINATION are set by BuildKit: this is run by it")
	}
	// Archives are unpacked to look at them. Texts of licenses are not compared with known ones: that would take longer
	// than all else, and three times the memory.
	ctx, scratch := tmpdir.Root(context.Background(), "scan")
	defer func() { _ = scratch.Cleanup() }()
	targets := []string{core}
	more, err := filepath.Glob(filepath.Join(extras, "*"))
	if err != nil {
		return err
	}
	if extras != "" {
		targets = append(targets, more...)
	}
	for _, target := range targets {
		if err := scan(ctx, target, filepath.Join(destination, filepath.Base(target)+".spdx.json")); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(target), err)
		}
	}
	return nil
}

func scan(ctx context.Context, root, destination string) error {
	from, err := directorysource.New(directorysource.Config{Path: root, Base: root, Alias: source.Alias{Name: "image"}})
	if err != nil {
		return err
	}
	// An image may be empty, and a name in it may be anything: what cannot be read is not in the list.
	files, err := from.FileResolver(source.SquashedScope)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	found, relationships := catalog(ctx, files)
	document := sbom.SBOM{
		Artifacts:     sbom.Artifacts{Packages: found, LinuxDistribution: linux.IdentifyRelease(files)},
		Relationships: relationships,
		Source:        from.Describe(),
		Descriptor:    sbom.Descriptor{Name: "ink-sbom-scanner"},
	}
	return write(document, destination)
}

// catalog lists what is installed. What a package of the distribution brought along is that package's: its version
// says nothing of the mends that the distribution has made.
func catalog(ctx context.Context, files file.Resolver) (*pkg.Collection, []artifact.Relationship) {
	found, owned := pkg.NewCollection(), map[string]bool{}
	var relationships []artifact.Relationship
	for _, cataloger := range distributions() {
		packages, between := listed(ctx, cataloger, files)
		for _, one := range packages {
			if owner, ok := one.Metadata.(pkg.FileOwner); ok {
				for _, path := range owner.OwnedFiles() {
					owned[path] = true
				}
			}
		}
		found.Add(packages...)
		relationships = append(relationships, between...)
	}
	for _, cataloger := range languages() {
		packages, _ := listed(ctx, cataloger, files)
		for _, one := range packages {
			if !isOwned(one, owned) {
				found.Add(one)
			}
		}
	}
	return found, relationships
}

// listed: a cataloger that fails, as on a file made for that, costs its own packages alone.
func listed(ctx context.Context, cataloger pkg.Cataloger, files file.Resolver) (packages []pkg.Package, between []artifact.Relationship) {
	defer func() {
		if failed := recover(); failed != nil {
			fmt.Fprintf(os.Stderr, "sbom-scanner: %s gave up: %v\n", cataloger.Name(), failed)
		}
	}()
	packages, between, err := cataloger.Catalog(ctx, files)
	if err != nil {
		fmt.Fprintf(os.Stderr, "sbom-scanner: %s: %v\n", cataloger.Name(), err)
	}
	named := packages[:0]
	for _, one := range packages {
		if one.Name != "" && one.Version != "" {
			named = append(named, one)
		}
	}
	return named, between
}

func isOwned(one pkg.Package, owned map[string]bool) bool {
	for _, place := range one.Locations.ToSlice() {
		if owned[place.RealPath] || owned[place.AccessPath] {
			return true
		}
	}
	return false
}

func write(document sbom.SBOM, destination string) error {
	encoder, err := spdxjson.NewFormatEncoderWithConfig(spdxjson.EncoderConfig{Version: "2.3"})
	if err != nil {
		return err
	}
	var predicate bytes.Buffer
	if err := encoder.Encode(&predicate, document); err != nil {
		return err
	}
	data, err := json.Marshal(statement{statementType, predicateType, []struct{}{}, predicate.Bytes()})
	if err != nil {
		return err
	}
	return os.WriteFile(destination, data, 0o644)
}
