// Package storage keeps the archives of sources as files.
package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/artifact/config"
	"github.com/fluxcd/pkg/artifact/digest"
	godigest "github.com/opencontainers/go-digest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Storage is a folder of archives: `<kind>/<namespace>/<name>/<file>`.
type Storage struct {
	folder  string
	address string
	locks   sync.Map
}

// New makes the storage that the flags ask for.
func New(options *config.Options) (*Storage, error) {
	if info, err := os.Stat(options.StoragePath); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("--storage-path %q is no folder: %w", options.StoragePath, err)
	}
	return &Storage{folder: options.StoragePath, address: options.StorageAdvAddress}, nil
}

// NewArtifactFor names an archive of an object, without looking whether there is one.
func (s *Storage) NewArtifactFor(kind string, object metav1.Object, revision, file string) meta.Artifact {
	path := filepath.Join(strings.ToLower(kind), object.GetNamespace(), object.GetName(), file)
	artifact := meta.Artifact{Path: path, Revision: revision}
	s.SetArtifactURL(&artifact)
	return artifact
}

// SetArtifactURL says where others fetch it.
func (s *Storage) SetArtifactURL(artifact *meta.Artifact) {
	if artifact.Path != "" {
		artifact.URL = "http://" + s.address + "/" + artifact.Path
	}
}

// LocalPath is where the archive lies, or would lie.
func (s *Storage) LocalPath(artifact meta.Artifact) string {
	return filepath.Join(s.folder, filepath.Clean("/"+artifact.Path))
}

// MkdirAll makes the folder of the archive.
func (s *Storage) MkdirAll(artifact meta.Artifact) error {
	return os.MkdirAll(filepath.Dir(s.LocalPath(artifact)), 0o700)
}

// ArtifactExist tells whether the archive is there.
func (s *Storage) ArtifactExist(artifact meta.Artifact) bool {
	info, err := os.Lstat(s.LocalPath(artifact))
	return err == nil && info.Mode().IsRegular()
}

// VerifyArtifact fails when the archive is not what its digest says.
func (s *Storage) VerifyArtifact(artifact meta.Artifact) error {
	wanted, err := godigest.Parse(artifact.Digest)
	if err != nil {
		return err
	}
	file, err := os.Open(s.LocalPath(artifact))
	if err != nil {
		return err
	}
	defer file.Close()
	verifier := wanted.Verifier()
	if _, err := io.Copy(verifier, file); err != nil {
		return err
	}
	if !verifier.Verified() {
		return fmt.Errorf("%s is not what its digest %s says", artifact.Path, artifact.Digest)
	}
	return nil
}

// Remove deletes the archive.
func (s *Storage) Remove(artifact meta.Artifact) error {
	return os.Remove(s.LocalPath(artifact))
}

// RemoveAll deletes the folder of an object and returns it when there was one.
func (s *Storage) RemoveAll(artifact meta.Artifact) (string, error) {
	folder := filepath.Dir(s.LocalPath(artifact))
	if _, err := os.Stat(folder); err != nil {
		return "", nil
	}
	return folder, os.RemoveAll(folder)
}

// GarbageCollect deletes all archives of the object but this one and returns what it deleted.
func (s *Storage) GarbageCollect(_ context.Context, artifact meta.Artifact, _ time.Duration) ([]string, error) {
	current := s.LocalPath(artifact)
	others, err := filepath.Glob(filepath.Join(filepath.Dir(current), "*.tar.gz"))
	if err != nil {
		return nil, err
	}
	var deleted []string
	for _, other := range others {
		if other == current {
			continue
		}
		if err := os.Remove(other); err != nil {
			return deleted, err
		}
		deleted = append(deleted, other)
	}
	return deleted, nil
}

// Lock keeps others from writing the same archive until the returned function is called.
func (s *Storage) Lock(artifact meta.Artifact) (func(), error) {
	lock, _ := s.locks.LoadOrStore(artifact.Path, &sync.Mutex{})
	mutex := lock.(*sync.Mutex)
	mutex.Lock()
	return mutex.Unlock, nil
}

// Archive packs the files of a folder that the filter leaves, and completes the artifact.
func (s *Storage) Archive(artifact *meta.Artifact, folder string, leftOut Filter) error {
	path := s.LocalPath(*artifact)
	draft, err := os.CreateTemp(filepath.Dir(path), "draft-*")
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	defer draft.Close()
	sum := digest.Canonical.Digester()
	if err := pack(io.MultiWriter(draft, sum.Hash()), folder, leftOut); err != nil {
		return err
	}
	info, err := draft.Stat()
	if err != nil {
		return err
	}
	if err := os.Rename(draft.Name(), path); err != nil {
		return err
	}
	size := info.Size()
	artifact.Digest, artifact.Size = sum.Digest().String(), &size
	artifact.LastUpdateTime = metav1.Now()
	return nil
}

// The rest belongs to kinds that nobody here makes.

// SetHostname leaves an address as it is.
func (s *Storage) SetHostname(address string) string { return address }

// Copy is not supported.
func (s *Storage) Copy(*meta.Artifact, io.Reader) error { return errors.ErrUnsupported }

// CopyFromPath is not supported.
func (s *Storage) CopyFromPath(*meta.Artifact, string) error { return errors.ErrUnsupported }

// CopyToPath is not supported.
func (s *Storage) CopyToPath(*meta.Artifact, string, string) error { return errors.ErrUnsupported }

// Symlink is not supported.
func (s *Storage) Symlink(meta.Artifact, string) (string, error) { return "", errors.ErrUnsupported }
